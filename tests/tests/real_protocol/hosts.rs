//! The connection and the host.

use serde_json::json;
use virt_tokio::protocol::constants::{
    ConnectBaselineCpuFlags, NodeGetCpuStatsAllCpus, TypedParameterFlags,
};
use virt_tokio::protocol::remote::{Feature, Remote};

use crate::python::Python;
use crate::{Noted, same};

pub(crate) async fn check(client: &Noted, python: &mut Python) {
    same!(
        python,
        "conn.getType()",
        client.connect_get_type().await.unwrap()
    );
    same!(
        python,
        "conn.getVersion()",
        client.connect_get_version().await.unwrap()
    );
    same!(
        python,
        "conn.getLibVersion()",
        client.connect_get_lib_version().await.unwrap()
    );
    same!(
        python,
        "conn.getHostname()",
        client.connect_get_hostname().await.unwrap()
    );
    same!(
        python,
        "conn.getURI().split('?')[0].replace('test+unix', 'test')",
        client.connect_get_uri().await.unwrap()
    );
    same!(
        python,
        "conn.getCapabilities()",
        client.connect_get_capabilities().await.unwrap()
    );
    same!(
        python,
        "conn.getMaxVcpus(None)",
        client.connect_get_max_vcpus(None).await.unwrap()
    );
    same!(
        python,
        "bool(conn.isSecure())",
        client.connect_is_secure().await.unwrap()
    );
    same!(
        python,
        "conn.getSysinfo()",
        client.connect_get_sysinfo().await.unwrap()
    );
    same!(python, "sorted(conn.getCPUModelNames('x86_64'))", {
        let mut names = client.connect_get_cpu_model_names("x86_64").await.unwrap();
        names.sort();
        names
    });
    assert!(
        client
            .connect_supports_feature(Feature::KEEPALIVE)
            .await
            .unwrap()
    );
    let cpu = "<cpu><arch>x86_64</arch><model>qemu64</model></cpu>";
    same!(python, &format!("conn.baselineCPU(['{cpu}'])"), {
        client
            .connect_baseline_cpu(&[cpu], ConnectBaselineCpuFlags::default())
            .await
            .unwrap()
    });

    let info = client.node_get_info().await.unwrap();
    same!(
        python,
        "[x if i != 1 else None for i, x in enumerate(conn.getInfo())]",
        json!([
            info.model,
            null,
            info.cpus,
            info.mhz,
            info.nodes,
            info.sockets,
            info.cores,
            info.threads
        ])
    );
    same!(python, "conn.getInfo()[1]", info.memory / 1024);
    same!(
        python,
        "conn.getFreeMemory()",
        client.node_get_free_memory().await.unwrap()
    );
    same!(
        python,
        "conn.getCellsFreeMemory(0, 2)",
        client.node_get_cells_free_memory(0, 2).await.unwrap()
    );
    let map = client.node_get_cpu_map(true, true).await.unwrap();
    same!(python, "conn.getCPUMap()[0]", map.ret);
    let all = NodeGetCpuStatsAllCpus::ALL_CPUS;
    let stats = client.node_get_cpu_stats(all, 16).await.unwrap();
    let names = python.evaluate("sorted(conn.getCPUStats(-1))");
    let mut ours: Vec<_> = stats.into_iter().map(|stat| stat.field).collect();
    ours.sort();
    assert_eq!(json!(ours), names);
    let unsupported = client
        .node_get_sev_info(0, TypedParameterFlags::default())
        .await;
    assert!(unsupported.is_err());

    client.connect_register_close_callback().await.unwrap();
    client.connect_unregister_close_callback().await.unwrap();
}
