//! Calls that change a domain: after each, Python sees the change.

use serde_json::json;
use virt_tokio::protocol::TypedParams;
use virt_tokio::protocol::constants::{
    DomainCheckpointCreateFlags, DomainCheckpointListFlags, DomainCheckpointXmlFlags,
    DomainCreateFlags, DomainDefineFlags, DomainDestroyFlagsValues, DomainLifecycle,
    DomainLifecycleAction, DomainMemoryModFlags, DomainModificationImpact, DomainRebootFlagValues,
    DomainShutdownFlagValues, DomainSnapshotCreateFlags, DomainSnapshotDeleteFlags,
    DomainSnapshotListFlags, DomainSnapshotRevertFlags, DomainSnapshotXmlFlags,
    DomainUndefineFlagsValues, DomainVcpuFlags, KeycodeSet,
};
use virt_tokio::protocol::remote::Remote;

use crate::domains::object;
use crate::python::Python;
use crate::{Noted, same};

const XML: &str = "<domain type='test'><name>web1</name><memory>8192</memory><vcpu>2</vcpu><os><type>hvm</type></os></domain>";

pub(crate) async fn check(client: &Noted, python: &mut Python) {
    running(client, python).await;
    parameters(client, python).await;
    lives(client, python).await;
    saved(client, python).await;
    snapshots(client, python).await;
    checkpoints(client, python).await;
}

async fn running(client: &Noted, python: &mut Python) {
    let d = &client.domain_lookup_by_name("test").await.unwrap();
    client.domain_suspend(d).await.unwrap();
    same!(python, "domain().state()", [3, 1]);
    client.domain_resume(d).await.unwrap();
    same!(python, "domain().state()", [1, 5]);
    client.domain_reset(d).await.unwrap();
    same!(python, "domain().state()[0]", 1);
    client.domain_set_memory(d, 1_048_576).await.unwrap();
    same!(python, "domain().info()[2]", 1_048_576);
    client
        .domain_set_memory_flags(d, 2_097_152, DomainMemoryModFlags::default())
        .await
        .unwrap();
    same!(python, "domain().info()[2]", 2_097_152);
    client
        .domain_set_memory_stats_period(d, 5, DomainMemoryModFlags::default())
        .await
        .unwrap();
    client.domain_set_vcpus(d, 1).await.unwrap();
    same!(python, "domain().vcpusFlags()", 1);
    client
        .domain_set_vcpus_flags(d, 2, DomainVcpuFlags::default())
        .await
        .unwrap();
    same!(python, "domain().vcpusFlags()", 2);
    client.domain_pin_vcpu(d, 0, &[1]).await.unwrap();
    same!(python, "domain().vcpuPinInfo()[0][:2]", [true, false]);
    client
        .domain_pin_vcpu_flags(d, 0, &[2], DomainModificationImpact::default())
        .await
        .unwrap();
    same!(python, "domain().vcpuPinInfo()[0][:2]", [false, true]);
    client
        .domain_pin_emulator(d, &[1], DomainModificationImpact::default())
        .await
        .unwrap();
    same!(python, "domain().emulatorPinInfo()[:2]", [true, false]);
    client.domain_set_autostart(d, true).await.unwrap();
    same!(python, "domain().autostart()", 1);
    client.domain_set_autostart(d, false).await.unwrap();
    client
        .domain_send_key(d, KeycodeSet::LINUX, 10, &[30, 48])
        .await
        .unwrap();
    client
        .domain_send_process_signal(
            d,
            1,
            virt_tokio::protocol::constants::DomainProcessSignal::HUP,
        )
        .await
        .unwrap();
    client
        .domain_set_lifecycle_action(
            d,
            DomainLifecycle::CRASH,
            DomainLifecycleAction::RESTART,
            DomainModificationImpact::default(),
        )
        .await
        .unwrap();
    assert_eq!(
        python.evaluate("'<on_crash>restart</on_crash>' in domain().XMLDesc()"),
        json!(true)
    );
    client.domain_fstrim(d, Some("/"), 0).await.unwrap();
    same!(python, "domain().fsFreeze()", 2);
    same!(python, "domain().fsThaw()", 2);
    assert_eq!(client.domain_fsfreeze(d, &[]).await.unwrap(), 2);
    assert_eq!(client.domain_fsthaw(d, &[]).await.unwrap(), 2);
    let (mime, stream) = client.domain_screenshot(d, 0).await.unwrap();
    assert_eq!(mime.as_deref(), Some("image/png"));
    drop(stream);
}

async fn parameters(client: &Noted, python: &mut Python) {
    let d = &client.domain_lookup_by_name("test").await.unwrap();
    let now = DomainModificationImpact::default();
    let weight = TypedParams::new().with("weight", 17_u32);
    client
        .domain_set_scheduler_parameters(d, &weight)
        .await
        .unwrap();
    client
        .domain_set_scheduler_parameters_flags(d, &weight, now)
        .await
        .unwrap();
    let limit = TypedParams::new().with("hard_limit", 4096_u64);
    client
        .domain_set_memory_parameters(d, &limit, now)
        .await
        .unwrap();
    same!(python, "domain().memoryParameters()['hard_limit']", 4096);
    let weight = TypedParams::new().with("weight", 500_u32);
    client
        .domain_set_blkio_parameters(d, &weight, now)
        .await
        .unwrap();
    same!(python, "domain().blkioParameters()['weight']", 500);
    let average = TypedParams::new().with("inbound.average", 100_u32);
    client
        .domain_set_interface_parameters(d, "testnet0", &average, now)
        .await
        .unwrap();
    same!(
        python,
        "domain().interfaceParameters('testnet0')['inbound.average']",
        100
    );
    let tune = TypedParams::new()
        .with("total_bytes_sec", 1_000_000_u64)
        .with("total_bytes_sec_max", 2_000_000_u64);
    client
        .domain_set_block_io_tune(d, "vda", &tune, now)
        .await
        .unwrap();
    same!(
        python,
        "domain().blockIoTune('vda')['total_bytes_sec']",
        1_000_000
    );
    let nodes = TypedParams::new()
        .with("numa_mode", 2)
        .with("numa_nodeset", "0");
    client
        .domain_set_numa_parameters(d, &nodes, now)
        .await
        .unwrap();
    same!(
        python,
        "domain().numaParameters()",
        object(&client.domain_get_numa_parameters(d, 9, 4).await.unwrap())
    );
    let perf = TypedParams::new().with("cmt", true);
    client.domain_set_perf_events(d, &perf, now).await.unwrap();
    same!(python, "domain().perfEvents()['cmt']", true);
    client.domain_add_iothread(d, 7, now).await.unwrap();
    same!(python, "[info[0] for info in domain().ioThreadInfo()]", [7]);
    client.domain_pin_iothread(d, 7, &[1], now).await.unwrap();
    let polling = TypedParams::new().with("poll_max_ns", 1000_u64);
    client
        .domain_set_iothread_params(d, 7, &polling, now)
        .await
        .unwrap();
    client.domain_del_iothread(d, 7, now).await.unwrap();
    same!(python, "domain().ioThreadInfo()", json!([]));
}

async fn lives(client: &Noted, python: &mut Python) {
    let defined = client.domain_define_xml(XML).await.unwrap();
    same!(
        python,
        "domain('web1').UUIDString()",
        defined.uuid.to_string()
    );
    same!(
        python,
        "conn.listDefinedDomains()",
        client.connect_list_defined_domains(10).await.unwrap()
    );
    client
        .domain_set_max_memory(&defined, 16_384)
        .await
        .unwrap();
    same!(python, "domain('web1').maxMemory()", 16_384);
    client.domain_create(&defined).await.unwrap();
    same!(python, "domain('web1').state()[0]", 1);
    client
        .domain_reboot(&defined, DomainRebootFlagValues::default())
        .await
        .unwrap();
    client.domain_shutdown(&defined).await.unwrap();
    same!(python, "domain('web1').state()[0]", 5);
    client.domain_rename(&defined, Some("web2")).await.unwrap();
    same!(
        python,
        "domain('web2').UUIDString()",
        defined.uuid.to_string()
    );
    let renamed = client.domain_lookup_by_name("web2").await.unwrap();
    let started = client
        .domain_create_with_flags(&renamed, DomainCreateFlags::default())
        .await
        .unwrap();
    same!(python, "domain('web2').ID()", started.id);
    client
        .domain_shutdown_flags(&started, DomainShutdownFlagValues::default())
        .await
        .unwrap();
    client
        .domain_create_with_files(&renamed, DomainCreateFlags::default(), Vec::new())
        .await
        .unwrap();
    client.domain_destroy(&renamed).await.unwrap();
    client.domain_undefine(&renamed).await.unwrap();
    same!(
        python,
        "[d.name() for d in conn.listAllDomains()]",
        ["test"]
    );

    let flags = DomainDefineFlags::default();
    let defined = client.domain_define_xml_flags(XML, flags).await.unwrap();
    client.domain_create(&defined).await.unwrap();
    client
        .domain_destroy_flags(&defined, DomainDestroyFlagsValues::default())
        .await
        .unwrap();
    client
        .domain_undefine_flags(&defined, DomainUndefineFlagsValues::default())
        .await
        .unwrap();
    let flags = DomainCreateFlags::default();
    let transient = client.domain_create_xml(XML, flags).await.unwrap();
    same!(
        python,
        "bool(domain('web1').isPersistent())",
        client.domain_is_persistent(&transient).await.unwrap()
    );
    client.domain_destroy(&transient).await.unwrap();
    let transient = client
        .domain_create_xml_with_files(XML, flags, Vec::new())
        .await
        .unwrap();
    client.domain_destroy(&transient).await.unwrap();
}

async fn saved(client: &Noted, python: &mut Python) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("saved");
    let file = file.to_str().unwrap();
    let defined = client.domain_define_xml(XML).await.unwrap();
    let d = &defined;
    client.domain_create(d).await.unwrap();
    client
        .domain_core_dump(d, file, Default::default())
        .await
        .unwrap();
    client
        .domain_core_dump_with_format(d, file, Default::default(), Default::default())
        .await
        .unwrap();
    client.domain_save(d, file).await.unwrap();
    same!(python, "domain('web1').state()[0]", 5);
    let xml = client
        .domain_save_image_get_xml_desc(file, Default::default())
        .await
        .unwrap();
    same!(python, &format!("conn.saveImageGetXMLDesc('{file}')"), xml);
    client
        .domain_save_image_define_xml(file, &xml, Default::default())
        .await
        .unwrap();
    client.domain_restore(file).await.unwrap();
    same!(python, "domain('web1').state()[0]", 1);
    client
        .domain_save_flags(d, file, None, Default::default())
        .await
        .unwrap();
    client
        .domain_restore_flags(file, None, Default::default())
        .await
        .unwrap();
    same!(python, "domain('web1').state()[0]", 1);
    client
        .domain_managed_save(d, Default::default())
        .await
        .unwrap();
    same!(python, "domain('web1').hasManagedSaveImage()", 1);
    client
        .domain_undefine_flags(d, DomainUndefineFlagsValues::MANAGED_SAVE)
        .await
        .unwrap();
    same!(
        python,
        "[d.name() for d in conn.listAllDomains()]",
        ["test"]
    );
}

async fn snapshots(client: &Noted, python: &mut Python) {
    let d = &client.domain_lookup_by_name("test").await.unwrap();
    let (create, list) = (
        DomainSnapshotCreateFlags::default(),
        DomainSnapshotListFlags::default(),
    );
    let xml = |name: &str| format!("<domainsnapshot><name>{name}</name></domainsnapshot>");
    let first = client
        .domain_snapshot_create_xml(d, &xml("one"), create)
        .await
        .unwrap();
    let second = client
        .domain_snapshot_create_xml(d, &xml("two"), create)
        .await
        .unwrap();
    same!(
        python,
        "domain().snapshotNum()",
        client.domain_snapshot_num(d, list).await.unwrap()
    );
    same!(python, "sorted(domain().snapshotListNames())", {
        let mut names = client.domain_snapshot_list_names(d, 9, list).await.unwrap();
        names.sort();
        names
    });
    assert_eq!(
        client
            .domain_list_all_snapshots(d, list)
            .await
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        client
            .domain_snapshot_lookup_by_name(d, "one")
            .await
            .unwrap(),
        first
    );
    same!(
        python,
        "domain().snapshotLookupByName('one').getXMLDesc()",
        {
            client
                .domain_snapshot_get_xml_desc(&first, DomainSnapshotXmlFlags::default())
                .await
                .unwrap()
        }
    );
    same!(
        python,
        "bool(domain().hasCurrentSnapshot())",
        client.domain_has_current_snapshot(d).await.unwrap()
    );
    same!(
        python,
        "domain().snapshotCurrent().getName()",
        client.domain_snapshot_current(d).await.unwrap().name
    );
    same!(
        python,
        "domain().snapshotCurrent().getParent().getName()",
        client
            .domain_snapshot_get_parent(&second)
            .await
            .unwrap()
            .name
    );
    same!(
        python,
        "domain().snapshotLookupByName('one').numChildren()",
        client
            .domain_snapshot_num_children(&first, list)
            .await
            .unwrap()
    );
    same!(
        python,
        "domain().snapshotLookupByName('one').listChildrenNames()",
        client
            .domain_snapshot_list_children_names(&first, 9, list)
            .await
            .unwrap()
    );
    assert_eq!(
        client
            .domain_snapshot_list_all_children(&first, list)
            .await
            .unwrap(),
        [second.clone()]
    );
    assert!(client.domain_snapshot_is_current(&second).await.unwrap());
    assert!(client.domain_snapshot_has_metadata(&second).await.unwrap());
    client
        .domain_revert_to_snapshot(&first, DomainSnapshotRevertFlags::default())
        .await
        .unwrap();
    same!(python, "domain().snapshotCurrent().getName()", "one");
    for snapshot in [&second, &first] {
        client
            .domain_snapshot_delete(snapshot, DomainSnapshotDeleteFlags::default())
            .await
            .unwrap();
    }
    same!(python, "domain().snapshotNum()", 0);
}

async fn checkpoints(client: &Noted, python: &mut Python) {
    let d = &client.domain_lookup_by_name("test").await.unwrap();
    let (create, list) = (
        DomainCheckpointCreateFlags::default(),
        DomainCheckpointListFlags::default(),
    );
    let xml = |name: &str| format!("<domaincheckpoint><name>{name}</name></domaincheckpoint>");
    let first = client
        .domain_checkpoint_create_xml(d, &xml("one"), create)
        .await
        .unwrap();
    let second = client
        .domain_checkpoint_create_xml(d, &xml("two"), create)
        .await
        .unwrap();
    same!(
        python,
        "sorted(c.getName() for c in domain().listAllCheckpoints())",
        {
            let all = client.domain_list_all_checkpoints(d, list).await.unwrap();
            let mut names: Vec<_> = all.into_iter().map(|checkpoint| checkpoint.name).collect();
            names.sort();
            names
        }
    );
    same!(
        python,
        "domain().checkpointLookupByName('one').getXMLDesc()",
        {
            client
                .domain_checkpoint_get_xml_desc(&first, DomainCheckpointXmlFlags::default())
                .await
                .unwrap()
        }
    );
    assert_eq!(
        client
            .domain_checkpoint_lookup_by_name(d, "two")
            .await
            .unwrap(),
        second
    );
    assert_eq!(
        client.domain_checkpoint_get_parent(&second).await.unwrap(),
        first
    );
    assert_eq!(
        client
            .domain_checkpoint_list_all_children(&first, list)
            .await
            .unwrap(),
        [second.clone()]
    );
    for checkpoint in [&second, &first] {
        client
            .domain_checkpoint_delete(checkpoint, Default::default())
            .await
            .unwrap();
    }
    same!(python, "domain().listAllCheckpoints()", json!([]));
}
