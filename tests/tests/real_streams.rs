//! Volumes of a real storage driver as readers and writers of tokio.

#![expect(
    clippy::unwrap_used,
    reason = "what helps a test may panic as a test may"
)]

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use virt_tests::{
    Config, Storage, VolDownload, VolUpload, Volume, libvirt, libvirt::PATIENCE, virsh,
};
use virt_tokio::{CallError, Client, Options, Stream, connect};
use virt_transport::CallProcedure;

/// The flag of a transfer whose holes are sent as holes.
const SPARSE: u32 = 1;

async fn soon<F: Future>(future: F) -> F::Output {
    timeout(3 * PATIENCE, future)
        .await
        .expect("it comes within patience")
}

async fn opened<P>(client: &Client, name: &str, flags: u32) -> Stream
where
    P: for<'a> CallProcedure<Args<'a> = Volume<'a>, Ret = ()>,
{
    let volume = Volume {
        name,
        offset: 0,
        length: 0,
        flags,
    };
    soon(client.call_with_stream::<P>(&volume)).await.unwrap().1
}

/// Bytes that do not repeat for long.
fn contents(length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(18);
    let mut contents = vec![0; length];
    random.fill(&mut contents);
    contents
}

#[tokio::test]
async fn copies_both_ways_are_equal_to_the_source_and_to_virsh() {
    if !libvirt::available("volumes of a real daemon as readers and writers") {
        return;
    }
    let storage = Storage::start(Config::default(), ["volume"]).unwrap();
    let client = soon(connect(&storage.uri(), Options::default()))
        .await
        .unwrap();
    let source = contents(32 * 1024 * 1024 + 7);

    let mut upload = opened::<VolUpload>(&client, "volume", 0)
        .await
        .into_upload();
    let copied = soon(tokio::io::copy(&mut source.as_slice(), &mut upload)).await;
    assert_eq!(copied.unwrap(), source.len() as u64);
    soon(upload.shutdown()).await.unwrap();
    assert_eq!(*upload.progress().borrow(), source.len() as u64);
    assert!(fs::read(storage.volume("volume")).unwrap() == source);

    let mut download = opened::<VolDownload>(&client, "volume", 0)
        .await
        .into_download();
    let mut back = Vec::new();
    soon(tokio::io::copy(&mut download, &mut back))
        .await
        .unwrap();
    assert!(back == source);

    let file = storage.volume("by-virsh");
    let path = file.to_str().unwrap();
    let command = ["vol-download", "--pool", "pool", "volume", path];
    let output = virsh::run(&storage.uri(), &command).unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(fs::read(file).unwrap() == source);
}

#[tokio::test]
async fn ten_gigabytes_of_holes_are_not_moved() {
    const LENGTH: u64 = 10 << 30;
    const MEGABYTE: usize = 1 << 20;
    if !libvirt::available("sparse volumes of a real daemon") {
        return;
    }
    let storage = Storage::start(Config::default(), ["volume"]).unwrap();
    let client = soon(connect(&storage.uri(), Options::default()))
        .await
        .unwrap();
    let source = tempfile::tempfile().unwrap();
    source.set_len(LENGTH).unwrap();
    let data = contents(MEGABYTE);
    // Holes before, between and behind.
    let (first, second) = data.split_at(MEGABYTE / 2);
    source.write_all_at(first, 1 << 30).unwrap();
    source.write_all_at(second, 7 << 30).unwrap();

    let mut upload = opened::<VolUpload>(&client, "volume", SPARSE)
        .await
        .into_upload();
    assert_eq!(soon(upload.copy_sparse(&source)).await.unwrap(), LENGTH);
    soon(upload.shutdown()).await.unwrap();
    assert_eq!(*upload.progress().borrow(), LENGTH);
    let volume = File::open(storage.volume("volume")).unwrap();
    is_sparse_copy(&volume, first, second, LENGTH);

    let copy = tempfile::tempfile().unwrap();
    let mut download = opened::<VolDownload>(&client, "volume", SPARSE)
        .await
        .into_download();
    assert_eq!(soon(download.copy_sparse(&copy)).await.unwrap(), LENGTH);
    is_sparse_copy(&copy, first, second, LENGTH);
}

#[track_caller]
fn is_sparse_copy(file: &File, first: &[u8], second: &[u8], length: u64) {
    let metadata = file.metadata().unwrap();
    assert_eq!(metadata.len(), length);
    assert!(metadata.blocks() * 512 < 16 << 20, "{metadata:?}");
    for (data, position) in [(first, 1 << 30), (second, 7 << 30)] {
        let mut read = vec![0; data.len()];
        file.read_exact_at(&mut read, position).unwrap();
        assert!(read == data);
    }
    let mut zero = [7; 4096];
    file.read_exact_at(&mut zero, 5 << 30).unwrap();
    assert_eq!(zero, [0; 4096]);
}

#[tokio::test]
async fn the_daemons_reason_is_in_the_error() {
    if !libvirt::available("transfers that a real daemon refuses") {
        return;
    }
    let storage = Storage::start(Config::default(), ["volume"]).unwrap();
    let client = soon(connect(&storage.uri(), Options::default()))
        .await
        .unwrap();
    // No more than it was announced to be.
    let volume = Volume {
        name: "volume",
        offset: 0,
        length: 1000,
        flags: 0,
    };
    let (_, stream) = soon(client.call_with_stream::<VolUpload>(&volume))
        .await
        .unwrap();
    let mut upload = stream.into_upload();
    let source = contents(16 * 1024 * 1024);
    let copied = soon(async {
        tokio::io::copy(&mut source.as_slice(), &mut upload).await?;
        upload.shutdown().await
    });
    let error = copied.await.unwrap_err();
    let reason = error.downcast::<CallError>().unwrap();
    assert!(
        matches!(&reason, CallError::Aborted(Some(_))),
        "{reason}: {reason:?}"
    );
    // The connection goes on, and the volume can be read.
    let mut download = opened::<VolDownload>(&client, "volume", 0)
        .await
        .into_download();
    let mut back = Vec::new();
    soon(download.read_to_end(&mut back)).await.unwrap();
}

#[tokio::test]
async fn a_transfer_that_is_dropped_leaves_the_connection_to_others() {
    if !libvirt::available("transfers of a real daemon that are dropped") {
        return;
    }
    let storage = Storage::start(Config::default(), ["up", "down"]).unwrap();
    let mut file = File::options()
        .append(true)
        .open(storage.volume("down"))
        .unwrap();
    std::io::Write::write_all(&mut file, &contents(8 * 1024 * 1024)).unwrap();
    let client = soon(connect(&storage.uri(), Options::default()))
        .await
        .unwrap();
    for _ in 0..20 {
        let mut upload = opened::<VolUpload>(&client, "up", 0).await.into_upload();
        soon(upload.write_all(&contents(1 << 20))).await.unwrap();
        drop(upload);
        let mut download = opened::<VolDownload>(&client, "down", 0)
            .await
            .into_download();
        let mut start = [0; 100];
        soon(download.read_exact(&mut start)).await.unwrap();
        drop(download);
    }
    // The daemon has let go of all of them: the volumes can be used.
    let mut upload = opened::<VolUpload>(&client, "up", 0).await.into_upload();
    soon(upload.write_all(b"abcd")).await.unwrap();
    soon(upload.shutdown()).await.unwrap();
    let mut start = [0; 4];
    File::open(storage.volume("up"))
        .unwrap()
        .read_exact(&mut start)
        .unwrap();
    assert_eq!(&start, b"abcd");
    assert!(soon(client.ping()).await.unwrap() < Duration::from_secs(20));
}
