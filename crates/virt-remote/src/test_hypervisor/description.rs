//! The XML of a domain, read and written as the mock of libvirt does.

use std::fmt::Write;

use virt_protocol::Uuid;
use virt_transport::{ErrorSource, RemoteError};

use super::xml::{Element, escape};
use crate::error;

/// The size of XML in bytes that a domain may have. It bounds the memory for all domains.
const XML_MAX: usize = 65_536;
/// The operating systems that libvirt knows.
const OS_TYPES: [&str; 6] = ["hvm", "xen", "linux", "exe", "uml", "xenpvh"];
/// The devices of the domain that is always there.
const DEVICES: &str = "    <disk type='file' device='disk'>
      <source file='/guest/diskimage1'/>
      <target dev='vda' bus='virtio'/>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </disk>
    <interface type='network'>
      <mac address='aa:bb:cc:dd:ee:ff'/>
      <source network='default'/>
      <target dev='testnet0'/>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0'/>
    </interface>
    <memballoon model='virtio'>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0'/>
    </memballoon>
";

/// The definition of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Description {
    pub(super) name: String,
    pub(super) uuid: Uuid,
    title: String,
    description: String,
    /// The memory at most, in KiB.
    pub(super) memory: u64,
    pub(super) current_memory: u64,
    vcpus_max: u16,
    pub(super) vcpus: u16,
    os_type: String,
    arch: String,
    /// The XML of the devices, in lines.
    devices: String,
}

impl Description {
    /// Reads XML; `number` makes the UUID if the XML has none.
    pub(super) fn read(xml: &str, number: u64) -> Result<Self, RemoteError> {
        if xml.len() > XML_MAX {
            let detail = format!("{} bytes of XML for a domain: at most {XML_MAX}", xml.len());
            return Err(error::operation_failed(&detail));
        }
        let root =
            Element::read(xml).map_err(|text| error::xml_detail(ErrorSource::DOMAIN, &text))?;
        if root.name != "domain" {
            let detail = format!("expecting root element of 'domain', not '{}'", root.name);
            return Err(error::xml(ErrorSource::XML, &detail));
        }
        let name = text(&root, "name").to_owned();
        if name.is_empty() {
            return Err(error::no_name());
        }
        check_type(&root)?;
        let uuid = match root.child("uuid") {
            Some(uuid) => uuid
                .text
                .parse()
                .map_err(|_| error::internal(ErrorSource::DOMAIN, "malformed uuid element"))?,
            None => uuid_of(&name, number),
        };
        check_name(&name)?;
        let (os_type, arch) = os(&root)?;
        let memory = memory(&root, "memory")?;
        let current_memory = memory_or(memory, self::memory(&root, "currentMemory")?);
        let (vcpus_max, vcpus) = vcpus(&root)?;
        if memory == 0 {
            let detail =
                "Memory size must be specified via <memory> or in the <numa> configuration";
            return Err(error::xml(ErrorSource::DOMAIN, detail));
        }
        if vcpus_max == 0 {
            let detail = "CPU IDs in <numa> exceed the <vcpu> count";
            return Err(error::internal(ErrorSource::DOMAIN, detail));
        }
        let mut devices = String::new();
        for device in root.child("devices").iter().flat_map(|all| &all.children) {
            device.write(4, &mut devices);
            // Lines are indented, so it may be longer than what it was read from.
            if devices.len() > XML_MAX {
                let detail = format!("devices of more than {XML_MAX} bytes of XML");
                return Err(error::operation_failed(&detail));
            }
        }
        Ok(Self {
            name,
            uuid,
            title: text(&root, "title").to_owned(),
            description: text(&root, "description").to_owned(),
            memory,
            current_memory,
            vcpus_max,
            vcpus,
            os_type,
            arch,
            devices,
        })
    }

    /// Writes the XML, with the ID of a domain that runs.
    pub(super) fn write(&self, id: Option<i32>) -> String {
        let id = id.map_or_else(String::new, |id| format!(" id='{id}'"));
        let mut xml = format!("<domain type='test'{id}>\n");
        let texts = [
            ("name", self.name.as_str()),
            ("uuid", &self.uuid.to_string()),
            ("title", &self.title),
            ("description", &self.description),
        ];
        for (tag, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            let _ = writeln!(xml, "  <{tag}>{}</{tag}>", escape(text));
        }
        let current = if self.vcpus == self.vcpus_max {
            String::new()
        } else {
            format!(" current='{}'", self.vcpus)
        };
        let boot = if self.os_type == "hvm" {
            "    <boot dev='hd'/>\n"
        } else {
            ""
        };
        let _ = write!(
            xml,
            "  <memory unit='KiB'>{}</memory>
  <currentMemory unit='KiB'>{}</currentMemory>
  <vcpu placement='static'{current}>{}</vcpu>
  <os>
    <type arch='{}'>{}</type>
{boot}  </os>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
{}  </devices>
</domain>
",
            self.memory,
            self.current_memory,
            self.vcpus_max,
            escape(&self.arch),
            self.os_type,
            self.devices,
        );
        xml
    }
}

/// The domain that is always there.
impl Default for Description {
    fn default() -> Self {
        Self {
            name: "test".to_owned(),
            uuid: Uuid(*b"\x66\x95\xeb\x01\xf6\xa4\x83\x04\x79\xaa\x97\xf2\x50\x2e\x19\x3f"),
            title: String::new(),
            description: String::new(),
            memory: 8_388_608,
            current_memory: 2_097_152,
            vcpus_max: 2,
            vcpus: 2,
            os_type: "hvm".to_owned(),
            arch: "i686".to_owned(),
            devices: DEVICES.to_owned(),
        }
    }
}

fn check_type(root: &Element) -> Result<(), RemoteError> {
    const KNOWN: [&str; 15] = [
        "qemu",
        "kqemu",
        "kvm",
        "xen",
        "lxc",
        "uml",
        "openvz",
        "test",
        "vmware",
        "hyperv",
        "vbox",
        "phyp",
        "parallels",
        "bhyve",
        "vz",
    ];
    match root.attribute("type") {
        None => Err(error::internal(
            ErrorSource::DOMAIN,
            "missing domain type attribute",
        )),
        Some(known) if KNOWN.contains(&known) => Ok(()),
        Some(other) => Err(error::unsupported_config(&format!(
            "invalid domain type {other}"
        ))),
    }
}

fn check_name(name: &str) -> Result<(), RemoteError> {
    if name.contains('/') {
        let detail = format!("name {name} cannot contain '/'");
        Err(error::xml(ErrorSource::DOMAIN, &detail))
    } else if name.contains('\n') {
        let detail = format!("invalid char in name: {}", '\n');
        Err(error::xml_detail(ErrorSource::XML, &detail))
    } else {
        Ok(())
    }
}

/// The type of operating system and the architecture.
fn os(root: &Element) -> Result<(String, String), RemoteError> {
    let element = root.child("os").and_then(|os| os.child("type"));
    let element = element.filter(|element| !element.text.is_empty());
    let element =
        element.ok_or_else(|| error::xml(ErrorSource::DOMAIN, "an os <type> must be specified"))?;
    if !OS_TYPES.contains(&element.text.as_str()) {
        let detail = format!("unknown OS type '{}'", element.text);
        return Err(error::unsupported_config(&detail));
    }
    if element.text == "exe"
        && root
            .child("os")
            .is_some_and(|os| os.child("init").is_none())
    {
        let detail = "init binary must be specified";
        return Err(error::xml(ErrorSource::DOMAIN, detail));
    }
    let arch = element.attribute("arch").unwrap_or("i686");
    Ok((element.text.clone(), arch.to_owned()))
}

/// The memory that an element gives, in KiB; 0 if there is none.
fn memory(root: &Element, tag: &str) -> Result<u64, RemoteError> {
    let Some(element) = root.child(tag) else {
        return Ok(0);
    };
    let size: u64 = element.text.parse().map_err(|_| {
        let text = &element.text;
        let detail = format!("Invalid value '{text}' for element or attribute './{tag}[1]'");
        error::xml(ErrorSource::XML, &detail)
    })?;
    let unit = element.attribute("unit").unwrap_or("KiB");
    let bytes = match unit.to_ascii_lowercase().as_str() {
        "b" | "byte" | "bytes" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => {
            let detail = format!("unknown suffix '{unit}'");
            return Err(error::invalid_argument(ErrorSource::NONE, &detail));
        }
    };
    // In 128 bits no product overflows.
    let kib = (u128::from(size) * bytes).div_ceil(1024);
    u64::try_from(kib).map_err(|_| {
        let detail = format!("memory of {size} {unit} is too large");
        error::xml(ErrorSource::DOMAIN, &detail)
    })
}

/// The current memory: at most all.
fn memory_or(all: u64, current: u64) -> u64 {
    if current == 0 { all } else { current.min(all) }
}

/// The number of virtual CPUs, at most and at present.
fn vcpus(root: &Element) -> Result<(u16, u16), RemoteError> {
    let Some(element) = root.child("vcpu") else {
        return Ok((1, 1));
    };
    let maximum: u16 = match element.text.as_str() {
        "" => 1,
        text => text.parse().map_err(|_| {
            error::xml(
                ErrorSource::DOMAIN,
                "maximum vcpus count must be an integer",
            )
        })?,
    };
    let current = match element.attribute("current") {
        None => maximum,
        Some(text) => text.parse().map_err(|_| {
            error::xml(
                ErrorSource::DOMAIN,
                "current vcpus count must be an integer",
            )
        })?,
    };
    if current > maximum {
        let detail = "maximum vCPU count must not be less than current vCPU count";
        return Err(error::unsupported_config(detail));
    }
    Ok((maximum, current))
}

fn text<'a>(root: &'a Element, tag: &str) -> &'a str {
    root.child(tag).map_or("", |element| &element.text)
}

/// A UUID of version 4, made of a name and a number, so that the same calls give the same UUIDs.
fn uuid_of(name: &str, number: u64) -> Uuid {
    // FNV-1a, of 128 bits.
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in name.bytes().chain(number.to_be_bytes()) {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
    }
    let mut bytes = hash.to_be_bytes();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Uuid(bytes)
}
