//! The whole life of a guest of QEMU through the methods, each step as virsh sees it.

#![allow(
    clippy::unwrap_used,
    reason = "what helps a test may fail as a test does"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tokio::io::AsyncReadExt;
use tokio::time::timeout;
use virt_tests::{Guest, libvirt, libvirt::PATIENCE};
use virt_tokio::protocol::constants::{
    ConnectGetAllDomainStatsFlags, DomainConsoleFlags, DomainCreateFlags, DomainDefineFlags,
    DomainDeviceModifyFlags, DomainEventType, DomainMemoryModFlags, DomainMetadataType,
    DomainModificationImpact, DomainQemuMonitorCommandFlags, DomainSnapshotCreateFlags,
    DomainSnapshotDeleteFlags, DomainSnapshotListFlags, DomainStatsTypes, DomainXmlFlags,
    SecretDefineFlags, StoragePoolBuildFlags, StoragePoolCreateFlags, StoragePoolDefineFlags,
    StorageVolCreateFlags, StorageVolDeleteFlags, StorageVolDownloadFlags, StorageVolUploadFlags,
};
use virt_tokio::protocol::qemu::Qemu;
use virt_tokio::protocol::remote::{
    Domain, DomainEventCallbackLifecycle, Remote, SecretEventLifecycle,
};
use virt_tokio::{Client, Notice, Options, Subscription, connect};

async fn soon<F: Future>(future: F) -> F::Output {
    timeout(3 * PATIENCE, future)
        .await
        .expect("it comes within patience")
}

/// What virsh prints, without white space at its ends.
fn says(guest: &Guest, arguments: &[&str]) -> String {
    let output = guest.virsh(arguments).unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn next(events: &mut Subscription<DomainEventCallbackLifecycle>) -> DomainEventType {
    match soon(events.recv()).await.unwrap() {
        Notice::Event(event) => event.msg.event,
        notice => panic!("{notice:?}"),
    }
}

/// A definition with a screen, and a disk of qcow2 that can be snapshot.
fn definition(guest: &Guest, name: &str) -> String {
    let disk = guest.directory().join("disk");
    format!(
        "<domain type='qemu'><name>{name}</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>\
         <os><type arch='x86_64' machine='pc'>hvm</type><bios useserial='yes'/><boot dev='hd'/></os><features><acpi/></features>\
         <devices><disk type='file' device='disk'><driver name='qemu' type='raw'/>\
         <source file='{}'/><target dev='hda' bus='ide'/></disk>\
         <serial type='pty'><target port='0'/></serial><console type='pty'><target type='serial' port='0'/></console>\
         <video><model type='vga' vram='16384'/></video><graphics type='vnc' socket='{}'/></devices></domain>",
        disk.display(),
        guest.directory().join("vnc").display(),
    )
}

#[tokio::test]
async fn the_life_of_a_guest() {
    if !libvirt::available("the life of a guest of QEMU") {
        return;
    }
    let guest = Guest::define().unwrap();
    let client = soon(connect(&guest.uri(), Options::default()))
        .await
        .unwrap();
    let mut events = soon(client.subscribe::<DomainEventCallbackLifecycle>(&None))
        .await
        .unwrap();
    let xml = definition(&guest, "life");

    let d = &soon(client.domain_define_xml_flags(&xml, DomainDefineFlags::default()))
        .await
        .unwrap();
    assert_eq!(next(&mut events).await, DomainEventType::DEFINED);
    assert_eq!(says(&guest, &["domuuid", "life"]), d.uuid.to_string());
    let d = &soon(client.domain_create_with_flags(d, DomainCreateFlags::default()))
        .await
        .unwrap();
    // QEMU runs before the driver calls it started.
    assert_eq!(next(&mut events).await, DomainEventType::RESUMED);
    assert_eq!(next(&mut events).await, DomainEventType::STARTED);
    assert_eq!(says(&guest, &["domid", "life"]), d.id.to_string());

    soon(client.domain_suspend(d)).await.unwrap();
    assert_eq!(next(&mut events).await, DomainEventType::SUSPENDED);
    assert_eq!(says(&guest, &["domstate", "life"]), "paused");
    soon(client.domain_resume(d)).await.unwrap();
    assert_eq!(next(&mut events).await, DomainEventType::RESUMED);
    assert_eq!(says(&guest, &["domstate", "life"]), "running");
    soon(client.domain_reset(d)).await.unwrap();

    running(&client, &guest, d).await;
    devices(&client, &guest, d).await;
    saved(&client, &guest, d, &mut events).await;

    soon(client.domain_destroy(d)).await.unwrap();
    // A guest that shuts down on its way says so first.
    while next(&mut events).await != DomainEventType::STOPPED {}
    assert_eq!(says(&guest, &["domstate", "life"]), "shut off");
    snapshots(&client, &guest, d).await;
    soon(client.domain_undefine(d)).await.unwrap();
    assert_eq!(next(&mut events).await, DomainEventType::UNDEFINED);
    assert!(!says(&guest, &["list", "--all", "--name"]).contains("life"));
    client.close().await;
}

async fn running(client: &Client, guest: &Guest, d: &Domain) {
    let xml = soon(client.domain_get_xml_desc(d, DomainXmlFlags::default()))
        .await
        .unwrap();
    assert_eq!(says(guest, &["dumpxml", "life"]), xml.trim());
    let title = DomainMetadataType::TITLE;
    let now = DomainModificationImpact::default();
    soon(client.domain_set_metadata(d, title, Some("a life"), None, None, now))
        .await
        .unwrap();
    assert_eq!(says(guest, &["desc", "life", "--title"]), "a life");
    soon(client.domain_set_memory_flags(d, 16_384, DomainMemoryModFlags::LIVE))
        .await
        .unwrap();

    let (groups, flags) = (
        DomainStatsTypes::default(),
        ConnectGetAllDomainStatsFlags::default(),
    );
    let one = std::slice::from_ref(d);
    let stats = soon(client.connect_get_all_domain_stats(one, groups, flags))
        .await
        .unwrap();
    let params = &stats[0].params;
    assert_eq!(params.get::<i32>("state.state").unwrap(), Some(1));
    assert_eq!(params.get::<u32>("vcpu.current").unwrap(), Some(1));
    assert_eq!(params.get::<&str>("block.0.name").unwrap(), Some("hda"));
    assert!(params.get::<u64>("cpu.time").unwrap() > Some(0));
    let block = soon(client.domain_get_block_info(d, "hda")).await.unwrap();
    assert!(says(guest, &["domblkinfo", "life", "hda"]).contains(&block.capacity.to_string()));

    let (mime, screen) = soon(client.domain_screenshot(d, 0)).await.unwrap();
    let mut picture = Vec::new();
    soon(screen.into_download().read_to_end(&mut picture))
        .await
        .unwrap();
    let is_known = picture.starts_with(b"P6") || picture.starts_with(b"\x89PNG");
    assert!(mime.is_some() && is_known, "{mime:?}");

    let console = client.domain_open_console(d, None, DomainConsoleFlags::FORCE);
    let mut console = soon(console).await.unwrap().into_console();
    soon(client.domain_reset(d)).await.unwrap();
    let mut text = String::new();
    while !text.contains("SeaBIOS") {
        let mut bytes = [0; 512];
        let read = soon(console.read(&mut bytes)).await.unwrap();
        text.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    drop(console);

    let status =
        client.domain_monitor_command(d, "info status", DomainQemuMonitorCommandFlags::HMP);
    let status = soon(status).await.unwrap();
    assert_eq!(
        says(
            guest,
            &["qemu-monitor-command", "life", "--hmp", "info status"]
        ),
        status.trim()
    );
}

async fn devices(client: &Client, guest: &Guest, d: &Domain) {
    let more = guest.directory().join("more");
    fs::write(&more, vec![0; 1 << 20]).unwrap();
    fs::set_permissions(&more, fs::Permissions::from_mode(0o666)).unwrap();
    let xml = format!(
        "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{}'/><target dev='vdb' bus='virtio'/></disk>",
        more.display()
    );
    let live = DomainDeviceModifyFlags::LIVE;
    soon(client.domain_attach_device_flags(d, &xml, live))
        .await
        .unwrap();
    assert!(says(guest, &["domblklist", "life"]).contains("vdb"));
    // Without an operating system the guest never lets it go: that it was asked is all there is to see.
    soon(client.domain_detach_device_flags(d, &xml, live))
        .await
        .unwrap();
}

async fn saved(
    client: &Client,
    guest: &Guest,
    d: &Domain,
    events: &mut Subscription<DomainEventCallbackLifecycle>,
) {
    let file = guest.directory().join("saved");
    let file = file.to_str().unwrap();
    soon(client.domain_save(d, file)).await.unwrap();
    assert_eq!(says(guest, &["domstate", "life"]), "shut off");
    while next(events).await != DomainEventType::STOPPED {}
    soon(client.domain_restore(file)).await.unwrap();
    assert_eq!(says(guest, &["domstate", "life"]), "running");
    while next(events).await != DomainEventType::RESUMED {}
}

/// Snapshots of a domain that does not run need no disk that has any.
async fn snapshots(client: &Client, guest: &Guest, d: &Domain) {
    let xml = "<domainsnapshot><name>one</name><disks><disk name='hda' snapshot='external'/></disks></domainsnapshot>";
    let flags = DomainSnapshotCreateFlags::DISK_ONLY;
    let snapshot = soon(client.domain_snapshot_create_xml(d, xml, flags))
        .await
        .unwrap();
    assert_eq!(
        says(guest, &["snapshot-list", "life", "--name"]),
        snapshot.name
    );
    let list = DomainSnapshotListFlags::default();
    assert_eq!(
        soon(client.domain_list_all_snapshots(d, list))
            .await
            .unwrap()
            .len(),
        1
    );
    let flags = DomainSnapshotDeleteFlags::METADATA_ONLY;
    soon(client.domain_snapshot_delete(&snapshot, flags))
        .await
        .unwrap();
    assert_eq!(says(guest, &["snapshot-list", "life", "--name"]), "");
}

#[tokio::test]
async fn storage_and_secrets_of_a_user() {
    if !libvirt::available("storage and secrets of a real daemon") {
        return;
    }
    let guest = Guest::define().unwrap();
    let client = soon(connect(&guest.uri(), Options::default()))
        .await
        .unwrap();
    let directory = guest.directory().join("pool");
    let xml = format!(
        "<pool type='dir'><name>pool</name><target><path>{}</path></target></pool>",
        directory.display()
    );
    let p = &soon(client.storage_pool_define_xml(&xml, StoragePoolDefineFlags::default()))
        .await
        .unwrap();
    soon(client.storage_pool_build(p, StoragePoolBuildFlags::default()))
        .await
        .unwrap();
    soon(client.storage_pool_create(p, StoragePoolCreateFlags::default()))
        .await
        .unwrap();
    assert_eq!(says(&guest, &["pool-list", "--name"]), "pool");
    let xml = "<volume><name>vol</name><capacity>65536</capacity></volume>";
    let v = &soon(client.storage_vol_create_xml(p, xml, StorageVolCreateFlags::default()))
        .await
        .unwrap();
    assert_eq!(says(&guest, &["vol-path", "vol", "pool"]), v.key);

    let data: Vec<u8> = (0..65_536_u32)
        .map(|number| number.to_be_bytes()[3] ^ 0x5a)
        .collect();
    let upload = client.storage_vol_upload(v, 0, 65_536, StorageVolUploadFlags::default());
    let mut upload = soon(upload).await.unwrap().into_upload();
    soon(tokio::io::copy(&mut data.as_slice(), &mut upload))
        .await
        .unwrap();
    soon(tokio::io::AsyncWriteExt::shutdown(&mut upload))
        .await
        .unwrap();
    let download = client.storage_vol_download(v, 0, 0, StorageVolDownloadFlags::default());
    let mut back = Vec::new();
    soon(
        soon(download)
            .await
            .unwrap()
            .into_download()
            .read_to_end(&mut back),
    )
    .await
    .unwrap();
    assert!(back == data, "{} bytes came back", back.len());
    let info = soon(client.storage_vol_get_info(v)).await.unwrap();
    assert_eq!(info.capacity, 65_536);
    soon(client.storage_vol_delete(v, StorageVolDeleteFlags::default()))
        .await
        .unwrap();
    soon(client.storage_pool_destroy(p)).await.unwrap();
    soon(client.storage_pool_undefine(p)).await.unwrap();
    assert_eq!(says(&guest, &["pool-list", "--all", "--name"]), "");

    let mut events = soon(client.subscribe::<SecretEventLifecycle>(&None))
        .await
        .unwrap();
    let xml =
        "<secret ephemeral='no' private='no'><usage type='ceph'><name>one</name></usage></secret>";
    let s = &soon(client.secret_define_xml(xml, SecretDefineFlags::default()))
        .await
        .unwrap();
    let Notice::Event(defined) = soon(events.recv()).await.unwrap() else {
        panic!("no event");
    };
    assert_eq!(defined.secret.uuid, s.uuid);
    soon(client.secret_set_value(s, b"\0secret\xff"))
        .await
        .unwrap();
    assert_eq!(
        soon(client.secret_get_value(s)).await.unwrap(),
        b"\0secret\xff"
    );
    assert!(says(&guest, &["secret-list"]).contains(&s.uuid.to_string()));
    soon(client.secret_undefine(s)).await.unwrap();
    client.close().await;
}
