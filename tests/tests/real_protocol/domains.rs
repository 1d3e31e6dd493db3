//! What is asked of a domain that runs.

use serde_json::json;
use virt_tokio::protocol::constants::{
    ConnectGetAllDomainStatsFlags, ConnectListAllDomainsFlags, DomainInterfaceAddressesSource,
    DomainMemoryFlags, DomainMetadataType, DomainModificationImpact, DomainStatsTypes,
    DomainVcpuFlags, DomainXmlFlags,
};
use virt_tokio::protocol::remote::{Remote, TypedParamValue};
use virt_tokio::protocol::{TypedParams, Uuid};

use crate::python::Python;
use crate::{Noted, same};

/// The parameters as a JSON object.
pub(crate) fn object(params: &TypedParams) -> serde_json::Value {
    let value = |value: &TypedParamValue| match value {
        TypedParamValue::Int(value) => json!(value),
        TypedParamValue::Uint(value) => json!(value),
        TypedParamValue::Llong(value) => json!(value),
        TypedParamValue::Ullong(value) => json!(value),
        TypedParamValue::Double(value) => json!(value),
        TypedParamValue::Boolean(value) => json!(value),
        TypedParamValue::String(value) => json!(value),
    };
    let fields = params
        .iter()
        .map(|param| (param.field.clone(), value(&param.value)));
    serde_json::Value::Object(fields.collect())
}

pub(crate) async fn check(client: &Noted, python: &mut Python) {
    let domain = client.domain_lookup_by_name("test").await.unwrap();
    same!(
        python,
        "[domain().name(), domain().UUIDString(), domain().ID()]",
        json!([domain.name, domain.uuid.to_string(), domain.id])
    );
    assert_eq!(client.domain_lookup_by_id(domain.id).await.unwrap(), domain);
    assert_eq!(
        client.domain_lookup_by_uuid(domain.uuid).await.unwrap(),
        domain
    );
    let missing = client
        .domain_lookup_by_uuid(Uuid::default())
        .await
        .unwrap_err();
    assert!(
        missing.to_string().starts_with("Domain not found"),
        "{missing}"
    );

    let all = ConnectListAllDomainsFlags::default();
    assert_eq!(
        client.connect_list_all_domains(all).await.unwrap(),
        [domain.clone()]
    );
    same!(
        python,
        "conn.listDomainsID()",
        client.connect_list_domains(10).await.unwrap()
    );
    same!(
        python,
        "conn.numOfDomains()",
        client.connect_num_of_domains().await.unwrap()
    );
    same!(
        python,
        "conn.listDefinedDomains()",
        client.connect_list_defined_domains(10).await.unwrap()
    );
    same!(
        python,
        "conn.numOfDefinedDomains()",
        client.connect_num_of_defined_domains().await.unwrap()
    );

    let d = &domain;
    let now = DomainModificationImpact::default();
    same!(
        python,
        "domain().XMLDesc()",
        client
            .domain_get_xml_desc(d, DomainXmlFlags::default())
            .await
            .unwrap()
    );
    let info = client.domain_get_info(d).await.unwrap();
    same!(
        python,
        "domain().info()[:4]",
        json!([info.state.0, info.max_mem, info.memory, info.nr_virt_cpu])
    );
    let state = client.domain_get_state(d).await.unwrap();
    same!(
        python,
        "domain().state()",
        json!([state.state.0, state.reason])
    );
    same!(
        python,
        "domain().OSType()",
        client.domain_get_os_type(d).await.unwrap()
    );
    same!(
        python,
        "domain().maxMemory()",
        client.domain_get_max_memory(d).await.unwrap()
    );
    same!(
        python,
        "domain().maxVcpus()",
        client.domain_get_max_vcpus(d).await.unwrap()
    );
    same!(
        python,
        "bool(domain().autostart())",
        client.domain_get_autostart(d).await.unwrap()
    );
    same!(
        python,
        "bool(domain().isActive())",
        client.domain_is_active(d).await.unwrap()
    );
    same!(
        python,
        "bool(domain().isPersistent())",
        client.domain_is_persistent(d).await.unwrap()
    );
    same!(
        python,
        "bool(domain().isUpdated())",
        client.domain_is_updated(d).await.unwrap()
    );
    same!(
        python,
        "domain().hostname()",
        client
            .domain_get_hostname(d, Default::default())
            .await
            .unwrap()
    );
    same!(
        python,
        "domain().vcpusFlags()",
        client
            .domain_get_vcpus_flags(d, DomainVcpuFlags::default())
            .await
            .unwrap()
    );
    let vcpus = client.domain_get_vcpus(d, 2, 1).await.unwrap();
    same!(
        python,
        "[list(info[:2]) for info in domain().vcpus()[0]]",
        {
            vcpus
                .info
                .iter()
                .map(|info| json!([info.number, info.state.0]))
                .collect::<Vec<_>>()
        }
    );
    let pins = client.domain_get_vcpu_pin_info(d, 2, 1, now).await.unwrap();
    same!(python, "len(domain().vcpuPinInfo())", pins.num);
    let pin = client
        .domain_get_emulator_pin_info(d, 1, now)
        .await
        .unwrap();
    assert_eq!(pin.cpumaps.len(), 1);
    let control = client.domain_get_control_info(d).await.unwrap();
    same!(
        python,
        "domain().controlInfo()",
        json!([control.state.0, control.details, control.state_time])
    );
    let time = client.domain_get_time(d).await.unwrap();
    same!(python, "domain().getTime()['seconds']", time.seconds);

    let kind = client.domain_get_scheduler_type(d).await.unwrap();
    same!(
        python,
        "domain().schedulerType()",
        json!([kind.r#type, kind.nparams])
    );
    same!(
        python,
        "domain().schedulerParameters()",
        object(&client.domain_get_scheduler_parameters(d, 9).await.unwrap())
    );
    same!(
        python,
        "domain().memoryParameters()",
        object(&client.domain_get_memory_parameters(d, 9, 0).await.unwrap())
    );
    same!(
        python,
        "domain().numaParameters()",
        object(&client.domain_get_numa_parameters(d, 9, 4).await.unwrap())
    );
    same!(
        python,
        "domain().blkioParameters()",
        object(&client.domain_get_blkio_parameters(d, 9, 4).await.unwrap())
    );
    same!(
        python,
        "domain().interfaceParameters('testnet0')",
        object(
            &client
                .domain_get_interface_parameters(d, "testnet0", 9, 0)
                .await
                .unwrap()
        )
    );
    same!(
        python,
        "domain().blockIoTune('vda')",
        object(
            &client
                .domain_get_block_io_tune(d, Some("vda"), 32, 4)
                .await
                .unwrap()
        )
    );
    same!(
        python,
        "domain().perfEvents()",
        object(
            &client
                .domain_get_perf_events(d, Default::default())
                .await
                .unwrap()
        )
    );
    let cpu = client
        .domain_get_cpu_stats(d, 9, -1, 1, Default::default())
        .await
        .unwrap();
    same!(python, "sorted(domain().getCPUStats(True)[0])", {
        let mut names: Vec<_> = cpu.params.iter().map(|param| param.field.clone()).collect();
        names.sort();
        names
    });
    let block = client.domain_block_stats(d, "vda").await.unwrap();
    same!(python, "domain().blockStats('vda')[4]", block.errs);
    let interface = client.domain_interface_stats(d, "testnet0").await.unwrap();
    same!(
        python,
        "domain().interfaceStats('testnet0')[2]",
        interface.rx_errs
    );
    let block = client.domain_get_block_info(d, "vda").await.unwrap();
    same!(
        python,
        "domain().blockInfo('vda')",
        json!([block.capacity, block.allocation, block.physical])
    );
    let errors = client.domain_get_disk_errors(d, 4).await.unwrap();
    same!(python, "domain().diskErrors()", {
        let errors = errors
            .iter()
            .map(|error| (error.disk.clone(), json!(error.error.0)));
        serde_json::Value::Object(errors.collect())
    });
    let systems = client.domain_get_fsinfo(d).await.unwrap();
    same!(
        python,
        "[[i[0], i[1], i[2], i[3]] for i in domain().fsInfo()]",
        {
            let system = |s: &virt_tokio::protocol::remote::DomainFsinfo| {
                json!([s.mountpoint, s.name, s.fstype, s.dev_aliases])
            };
            systems.iter().map(system).collect::<Vec<_>>()
        }
    );
    let addresses = client
        .domain_interface_addresses(d, DomainInterfaceAddressesSource::LEASE)
        .await
        .unwrap();
    same!(python, "sorted(domain().interfaceAddresses(0))", {
        addresses
            .iter()
            .map(|interface| interface.name.clone())
            .collect::<Vec<_>>()
    });
    let memory = client.domain_memory_stats(d, 16).await.unwrap();
    same!(python, "len(domain().memoryStats())", memory.len());
    let stats = client.connect_get_all_domain_stats(
        &[],
        DomainStatsTypes::default(),
        ConnectGetAllDomainStatsFlags::default(),
    );
    let stats = stats.await.unwrap();
    same!(
        python,
        "conn.getAllDomainStats()[0][1]",
        object(&stats[0].params)
    );
    let peek = client
        .domain_memory_peek(d, 0, 8, DomainMemoryFlags::PHYSICAL)
        .await
        .unwrap();
    same!(python, "list(domain().memoryPeek(0, 8, 2))", peek);

    let title = DomainMetadataType::TITLE;
    client
        .domain_set_metadata(d, title, Some("a title"), None, None, now)
        .await
        .unwrap();
    same!(
        python,
        "domain().metadata(1, None)",
        client
            .domain_get_metadata(d, title, None, now)
            .await
            .unwrap()
    );
    let iothreads = client.domain_get_iothread_info(d, now).await.unwrap();
    same!(python, "len(domain().ioThreadInfo())", iothreads.len());
    same!(
        python,
        "bool(domain().hasManagedSaveImage())",
        client.domain_has_managed_save_image(d).await.unwrap()
    );
}
