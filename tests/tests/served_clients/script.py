"""Calls of libvirt's Python binding, each with its answer, and then the events that they caused."""

import sys
import threading

import libvirt

BODY = "<domain type='test'><name>%s</name>%s<memory>1024</memory><os><type>hvm</type></os>%s</domain>"
UUID = "<uuid>11111111-2222-3333-4444-55555555555%d</uuid>"
LAST = "last"

events = []
ended = threading.Event()


def on_event(_connection, domain, event, detail, kind):
    events.append((kind, domain.name(), domain.UUIDString(), domain.ID(), event, detail))
    if domain.name() == LAST and event == libvirt.VIR_DOMAIN_EVENT_UNDEFINED and kind == "any":
        ended.set()


def wait_for_events():
    while True:
        libvirt.virEventRunDefaultImpl()


def xml(name, number, more=""):
    return BODY % (name, UUID % number, more)


def plain(answer):
    if isinstance(answer, libvirt.virDomain):
        return (answer.name(), answer.UUIDString(), answer.ID())
    if isinstance(answer, list):
        return [plain(item) for item in answer]
    return answer


def call(name, *arguments, on):
    try:
        answer = plain(getattr(on, name)(*arguments))
        # A daemon lists domains in the order of a hash table.
        answer = sorted(answer) if name.startswith("list") else answer
    except libvirt.libvirtError as error:
        answer = error.err
    print(name, *[argument for argument in arguments if argument is not None], "=>", answer)


def lists(c):
    for name in ["listDomainsID", "numOfDomains", "listDefinedDomains", "numOfDefinedDomains"]:
        call(name, on=c)
    for bit in range(17):
        call("listAllDomains", 1 << bit, on=c)
    for filters in [0, 0x3, 0x5, 0x11, 0x21, 0x12, 0x48, 0xFFFF]:
        call("listAllDomains", filters, on=c)


def questions(d):
    for name in ["state", "OSType", "maxMemory", "isActive", "isPersistent", "isUpdated", "autostart"]:
        call(name, on=d)
    try:
        # All but the CPU time, which is the time of day in libvirt's mock.
        print("info", d.info()[:4])
    except libvirt.libvirtError as error:
        print("info", error.err)
    for flags in [0, 1, 2, 4, 8, 16]:
        call("XMLDesc", flags, on=d)


def changes(d):
    for name in ["create", "suspend", "suspend", "resume", "resume", "suspend", "reboot", "state", "reset",
                 "suspend", "reset", "state", "shutdown", "state", "shutdown", "destroy", "suspend", "resume",
                 "reboot", "reset", "createWithFlags", "state", "destroyFlags", "state", "destroyFlags"]:
        call(name, on=d)
    for name in ["createWithFlags", "shutdownFlags", "reboot", "reset", "destroyFlags", "undefineFlags"]:
        for flags in [4, 32, 0x4001]:
            call(name, flags, on=d)
    call("create", on=d)


def malformed(c):
    plain_body = "<memory>1</memory><os><type>hvm</type></os>"
    for document in [
        "", "hello", "<domain", "<domain type='test'><name>a</nam></domain>", "<foo/>", "<domain/>",
        "<domain type='zz'/>", "<domain type='test'/>", "<domain type='test'><name/></domain>",
        "<domain type='test'><name>a</name></domain>",
        "<domain type='test'><name>a</name><os><type>hvm</type></os></domain>",
        "<domain type='test'><name>a</name><memory>x</memory><os><type>hvm</type></os></domain>",
        "<domain type='test'><name>a</name><memory unit='zz'>1</memory><os><type>hvm</type></os></domain>",
        "<domain type='test'><name>a</name><memory>0</memory><os><type>hvm</type></os></domain>",
        "<domain type='test'><name>a</name><memory>1</memory><os><type>zz</type></os></domain>",
        "<domain type='test'><name>a/b</name>" + plain_body + "</domain>",
        "<domain type='test'><name>a\nb</name>" + plain_body + "</domain>",
        "<domain type='test'><name>a</name><uuid>zz</uuid>" + plain_body + "</domain>",
        "<domain type='test'><name>&zz;</name>" + plain_body + "</domain>",
        "<domain type='test'><name>a</name>" + plain_body + "</domain><x/>",
        "<domain type='test' type='test'/>",
        "<domain type='test'>\n  <name>a<name>\n</domain>",
        xml("a", 1, "<vcpu>x</vcpu>"), xml("a", 1, "<vcpu>0</vcpu>"), xml("a", 1, "<vcpu current='5'>2</vcpu>"),
    ]:
        call("defineXML", document, on=c)
    call("createXML", "<domain", 0, on=c)


def definitions(c):
    call("defineXML", xml("a", 1), on=c)
    call("defineXML", xml("a", 1, "<vcpu current='1'>3</vcpu>"), on=c)
    call("defineXML", xml("b", 1), on=c)
    call("defineXML", xml("a", 2), on=c)
    call("defineXMLFlags", xml("a", 1), 2, on=c)
    a = c.lookupByName("a")
    questions(a)
    call("create", on=a)
    call("defineXML", xml("a", 1, "<currentMemory>512</currentMemory><vcpu>2</vcpu>"), on=c)
    questions(a)
    call("undefine", on=a)
    call("undefine", on=a)
    questions(a)
    lists(c)
    call("destroy", on=a)
    questions(a)
    changes(a)
    for flags in [0, 1, 2, 4, 16]:
        call("createXML", xml("t", 3, "<title>T &amp; <![CDATA[<U>]]></title><!-- no -->"), flags, on=c)
    call("createXML", xml("u", 3), 0, on=c)
    call("createXML", xml("t", 4), 0, on=c)
    t = c.lookupByName("t")
    questions(t)
    call("defineXML", xml("t", 3), on=c)
    call("shutdown", on=t)
    call("createXML", xml("t", 3, "<vcpu>4</vcpu>"), 0, on=c)
    questions(t)
    call("destroy", on=t)
    questions(t)
    call("defineXML", xml("exe", 5).replace("hvm", "exe"), on=c)
    for kind in ["xen", "linux", "uml"]:
        call("defineXML", xml(kind, 5).replace("hvm", kind), on=c)
        call("XMLDesc", on=c.lookupByName(kind))
        call("undefineFlags", on=c.lookupByName(kind))
    for unit in ["b", "KB", "k", "MiB", "M", "GB", "bytes"]:
        call("defineXML", xml("units", 6).replace("<memory>", "<memory unit='%s'>" % unit), on=c)
        call("maxMemory", on=c.lookupByName("units"))


def main():
    libvirt.virEventRegisterDefaultImpl()
    libvirt.registerErrorHandler(lambda *_: None, None)
    threading.Thread(target=wait_for_events, daemon=True).start()
    c = libvirt.open(sys.argv[1])
    c.domainEventRegister(on_event, "first")
    c.domainEventRegisterAny(c.lookupByName("test"), libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, on_event, "of test")
    c.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, on_event, "any")
    for name in ["getCapabilities", "getInfo", "isSecure", "isEncrypted", "isAlive"]:
        call(name, on=c)
    for kind in [None, "test", "qemu"]:
        call("getMaxVcpus", kind, on=c)
    d = c.lookupByName("test")
    questions(d)
    lists(c)
    changes(d)
    call("setAutostart", 1, on=d)
    call("autostart", on=d)
    lists(c)
    for name in ["test", "nobody"]:
        call("lookupByName", name, on=c)
    for number in [1, d.ID(), 999]:
        call("lookupByID", number, on=c)
    for uuid in [d.UUIDString(), "00000000-0000-0000-0000-000000000000"]:
        call("lookupByUUIDString", uuid, on=c)
    definitions(c)
    malformed(c)
    call("defineXML", xml(LAST, 9), on=c)
    call("undefine", on=c.lookupByName(LAST))
    if not ended.wait(20):
        sys.exit("the last event did not come")
    for event in sorted(events, key=lambda event: event[0]):
        print("event", *event)


main()
