//! Networks, storage, interfaces and devices of the host.

use serde_json::json;
use virt_tokio::protocol::constants::{
    ConnectListAllInterfacesFlags, ConnectListAllNetworksFlags, ConnectListAllNodeDevicesFlags,
    ConnectListAllStoragePoolsFlags, InterfaceDefineFlags, InterfaceXmlFlags, NetworkCreateFlags,
    NetworkDefineFlags, NetworkXmlFlags, NodeDeviceXmlFlags, StoragePoolBuildFlags,
    StoragePoolCreateFlags, StoragePoolDefineFlags, StoragePoolDeleteFlags, StorageVolCreateFlags,
    StorageVolDeleteFlags, StorageVolInfoFlags, StorageXmlFlags,
};
use virt_tokio::protocol::remote::Remote;

use crate::python::Python;
use crate::{Noted, same};

pub(crate) async fn check(client: &Noted, python: &mut Python) {
    networks(client, python).await;
    pools(client, python).await;
    volumes(client, python).await;
    interfaces(client, python).await;
    devices(client, python).await;
}

async fn networks(client: &Noted, python: &mut Python) {
    same!(
        python,
        "conn.numOfNetworks()",
        client.connect_num_of_networks().await.unwrap()
    );
    same!(
        python,
        "conn.listNetworks()",
        client.connect_list_networks(9).await.unwrap()
    );
    same!(
        python,
        "conn.numOfDefinedNetworks()",
        client.connect_num_of_defined_networks().await.unwrap()
    );
    same!(
        python,
        "conn.listDefinedNetworks()",
        client.connect_list_defined_networks(9).await.unwrap()
    );
    let all = ConnectListAllNetworksFlags::default();
    let network = client.network_lookup_by_name("default").await.unwrap();
    assert_eq!(
        client.connect_list_all_networks(all).await.unwrap(),
        [network.clone()]
    );
    assert_eq!(
        client.network_lookup_by_uuid(network.uuid).await.unwrap(),
        network
    );
    let n = &network;
    let net = "conn.networkLookupByName('default')";
    same!(
        python,
        &format!("{net}.XMLDesc()"),
        client
            .network_get_xml_desc(n, NetworkXmlFlags::default())
            .await
            .unwrap()
    );
    same!(
        python,
        &format!("{net}.bridgeName()"),
        client.network_get_bridge_name(n).await.unwrap()
    );
    same!(
        python,
        &format!("bool({net}.autostart())"),
        client.network_get_autostart(n).await.unwrap()
    );
    same!(
        python,
        &format!("bool({net}.isActive())"),
        client.network_is_active(n).await.unwrap()
    );
    same!(
        python,
        &format!("bool({net}.isPersistent())"),
        client.network_is_persistent(n).await.unwrap()
    );
    client.network_set_autostart(n, true).await.unwrap();
    same!(python, &format!("{net}.autostart()"), 1);
    client.network_destroy(n).await.unwrap();
    same!(python, &format!("{net}.isActive()"), 0);
    client.network_create(n).await.unwrap();
    same!(python, &format!("{net}.isActive()"), 1);

    let xml = "<network><name>more</name><forward/><ip address='10.0.0.1' netmask='255.255.255.0'/></network>";
    let defined = client.network_define_xml(xml).await.unwrap();
    same!(
        python,
        "conn.networkLookupByName('more').UUIDString()",
        defined.uuid.to_string()
    );
    client.network_undefine(&defined).await.unwrap();
    let defined = client
        .network_define_xml_flags(xml, NetworkDefineFlags::default())
        .await
        .unwrap();
    client.network_undefine(&defined).await.unwrap();
    let created = client.network_create_xml(xml).await.unwrap();
    same!(python, "sorted(conn.listNetworks())", ["default", "more"]);
    client.network_destroy(&created).await.unwrap();
    let created = client
        .network_create_xml_flags(xml, NetworkCreateFlags::default())
        .await
        .unwrap();
    client.network_destroy(&created).await.unwrap();
}

async fn pools(client: &Noted, python: &mut Python) {
    same!(
        python,
        "conn.numOfStoragePools()",
        client.connect_num_of_storage_pools().await.unwrap()
    );
    same!(
        python,
        "conn.listStoragePools()",
        client.connect_list_storage_pools(9).await.unwrap()
    );
    same!(
        python,
        "conn.numOfDefinedStoragePools()",
        client.connect_num_of_defined_storage_pools().await.unwrap()
    );
    same!(
        python,
        "conn.listDefinedStoragePools()",
        client.connect_list_defined_storage_pools(9).await.unwrap()
    );
    let all = ConnectListAllStoragePoolsFlags::default();
    let pool = client
        .storage_pool_lookup_by_name("default-pool")
        .await
        .unwrap();
    assert_eq!(
        client.connect_list_all_storage_pools(all).await.unwrap(),
        [pool.clone()]
    );
    assert_eq!(
        client.storage_pool_lookup_by_uuid(pool.uuid).await.unwrap(),
        pool
    );
    let p = &pool;
    let of = |what: &str| format!("conn.storagePoolLookupByName('default-pool').{what}");
    same!(
        python,
        &of("XMLDesc()"),
        client
            .storage_pool_get_xml_desc(p, StorageXmlFlags::default())
            .await
            .unwrap()
    );
    let info = client.storage_pool_get_info(p).await.unwrap();
    same!(
        python,
        &of("info()"),
        json!([info.state.0, info.capacity, info.allocation, info.available])
    );
    same!(
        python,
        &of("isActive()"),
        i32::from(client.storage_pool_is_active(p).await.unwrap())
    );
    same!(
        python,
        &of("isPersistent()"),
        i32::from(client.storage_pool_is_persistent(p).await.unwrap())
    );
    same!(
        python,
        &of("autostart()"),
        i32::from(client.storage_pool_get_autostart(p).await.unwrap())
    );
    same!(
        python,
        &of("numOfVolumes()"),
        client.storage_pool_num_of_volumes(p).await.unwrap()
    );
    client.storage_pool_set_autostart(p, true).await.unwrap();
    same!(python, &of("autostart()"), 1);
    client.storage_pool_refresh(p).await.unwrap();
    client.storage_pool_destroy(p).await.unwrap();
    same!(python, &of("isActive()"), 0);
    client
        .storage_pool_build(p, StoragePoolBuildFlags::default())
        .await
        .unwrap();
    client
        .storage_pool_create(p, StoragePoolCreateFlags::default())
        .await
        .unwrap();
    same!(python, &of("isActive()"), 1);
    let sources = client
        .connect_find_storage_pool_sources("logical", None)
        .await
        .unwrap();
    same!(
        python,
        "conn.findStoragePoolSources('logical', None)",
        sources
    );

    let xml = "<pool type='dir'><name>more</name><target><path>/more</path></target></pool>";
    let defined = client
        .storage_pool_define_xml(xml, StoragePoolDefineFlags::default())
        .await
        .unwrap();
    same!(python, "conn.listDefinedStoragePools()", ["more"]);
    client
        .storage_pool_delete(&defined, StoragePoolDeleteFlags::default())
        .await
        .unwrap();
    client.storage_pool_undefine(&defined).await.unwrap();
    let created = client
        .storage_pool_create_xml(xml, StoragePoolCreateFlags::default())
        .await
        .unwrap();
    same!(
        python,
        "sorted(conn.listStoragePools())",
        ["default-pool", "more"]
    );
    client.storage_pool_destroy(&created).await.unwrap();
}

async fn volumes(client: &Noted, python: &mut Python) {
    let pool = client
        .storage_pool_lookup_by_name("default-pool")
        .await
        .unwrap();
    let p = &pool;
    let flags = StorageVolCreateFlags::default();
    let xml = |name: &str| format!("<volume><name>{name}</name><capacity>4096</capacity></volume>");
    let volume = client
        .storage_vol_create_xml(p, &xml("one"), flags)
        .await
        .unwrap();
    let of = |what: &str| {
        format!("conn.storagePoolLookupByName('default-pool').storageVolLookupByName('one').{what}")
    };
    same!(python, &of("key()"), volume.key.clone());
    assert_eq!(
        client.storage_vol_lookup_by_name(p, "one").await.unwrap(),
        volume
    );
    assert_eq!(
        client.storage_vol_lookup_by_key(&volume.key).await.unwrap(),
        volume
    );
    let path = client.storage_vol_get_path(&volume).await.unwrap();
    same!(python, &of("path()"), path.clone());
    assert_eq!(
        client.storage_vol_lookup_by_path(&path).await.unwrap(),
        volume
    );
    assert_eq!(
        client.storage_pool_lookup_by_volume(&volume).await.unwrap(),
        pool
    );
    let info = client.storage_vol_get_info(&volume).await.unwrap();
    same!(
        python,
        &of("info()"),
        json!([info.r#type.0, info.capacity, info.allocation])
    );
    let copy = client
        .storage_vol_create_xml_from(p, &xml("two"), &volume, flags)
        .await
        .unwrap();
    same!(
        python,
        &of("XMLDesc()"),
        client.storage_vol_get_xml_desc(&volume).await.unwrap()
    );
    same!(
        python,
        "sorted(conn.storagePoolLookupByName('default-pool').listVolumes())",
        {
            let mut names = client.storage_pool_list_volumes(p, 9).await.unwrap();
            names.sort();
            names
        }
    );
    assert_eq!(
        client.storage_pool_list_all_volumes(p).await.unwrap().len(),
        2
    );
    let unsupported = client
        .storage_vol_get_info_flags(&volume, StorageVolInfoFlags::default())
        .await;
    assert!(unsupported.is_err());
    for volume in [&volume, &copy] {
        client
            .storage_vol_delete(volume, StorageVolDeleteFlags::default())
            .await
            .unwrap();
    }
    same!(
        python,
        "conn.storagePoolLookupByName('default-pool').listVolumes()",
        json!([])
    );
}

async fn interfaces(client: &Noted, python: &mut Python) {
    same!(
        python,
        "conn.numOfInterfaces()",
        client.connect_num_of_interfaces().await.unwrap()
    );
    same!(
        python,
        "conn.listInterfaces()",
        client.connect_list_interfaces(9).await.unwrap()
    );
    same!(
        python,
        "conn.numOfDefinedInterfaces()",
        client.connect_num_of_defined_interfaces().await.unwrap()
    );
    same!(
        python,
        "conn.listDefinedInterfaces()",
        client.connect_list_defined_interfaces(9).await.unwrap()
    );
    let interface = client.interface_lookup_by_name("eth1").await.unwrap();
    let all = ConnectListAllInterfacesFlags::default();
    assert_eq!(
        client.connect_list_all_interfaces(all).await.unwrap(),
        [interface.clone()]
    );
    assert_eq!(
        client
            .interface_lookup_by_mac_string(&interface.mac)
            .await
            .unwrap(),
        interface
    );
    let i = &interface;
    let xml = client
        .interface_get_xml_desc(i, InterfaceXmlFlags::default())
        .await
        .unwrap();
    same!(
        python,
        "conn.interfaceLookupByName('eth1').XMLDesc()",
        xml.clone()
    );
    same!(
        python,
        "conn.interfaceLookupByName('eth1').isActive()",
        i32::from(client.interface_is_active(i).await.unwrap())
    );
    client.interface_destroy(i).await.unwrap();
    same!(python, "conn.interfaceLookupByName('eth1').isActive()", 0);
    client.interface_create(i).await.unwrap();
    client.interface_change_begin().await.unwrap();
    client.interface_change_rollback().await.unwrap();
    client.interface_change_begin().await.unwrap();
    let xml = xml
        .replace("eth1", "eth2")
        .replace("aa:bb:cc:dd:ee:ff", "aa:bb:cc:dd:ee:fe");
    let defined = client
        .interface_define_xml(&xml, InterfaceDefineFlags::default())
        .await
        .unwrap();
    same!(python, "'eth2' in conn.listDefinedInterfaces()", true);
    client.interface_undefine(&defined).await.unwrap();
    client.interface_change_commit().await.unwrap();
    same!(python, "'eth2' in conn.listDefinedInterfaces()", false);
}

async fn devices(client: &Noted, python: &mut Python) {
    same!(
        python,
        "conn.numOfDevices(None)",
        client.node_num_of_devices(None).await.unwrap()
    );
    same!(python, "sorted(conn.listDevices(None))", {
        let mut names = client.node_list_devices(None, 99).await.unwrap();
        names.sort();
        names
    });
    let all = client
        .connect_list_all_node_devices(ConnectListAllNodeDevicesFlags::default())
        .await
        .unwrap();
    same!(python, "len(conn.listAllDevices())", all.len());
    let device = client.node_device_lookup_by_name("computer").await.unwrap();
    let of = |what: &str| format!("conn.nodeDeviceLookupByName('computer').{what}");
    same!(
        python,
        &of("XMLDesc()"),
        client
            .node_device_get_xml_desc(&device.name, NodeDeviceXmlFlags::default())
            .await
            .unwrap()
    );
    same!(
        python,
        &of("parent()"),
        client.node_device_get_parent(&device.name).await.unwrap()
    );
    same!(
        python,
        &of("numOfCaps()"),
        client.node_device_num_of_caps(&device.name).await.unwrap()
    );
    same!(
        python,
        &of("listCaps()"),
        client.node_device_list_caps(&device.name, 9).await.unwrap()
    );
}
