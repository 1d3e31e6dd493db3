//! Values to bytes and back: `virt-xdr` between the floor and its peers, and what is generated with it.

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use virt_benches::floor::remote::{AllDomains, AuthList, Lifecycle, Open};
use virt_benches::{Codec, each_codec, floor, ours, samples};
use virt_remote::{
    AuthListRet, ConnectListAllDomainsRet, ConnectOpenArgs, DomainEventLifecycleMsg,
};
use virt_xdr::from_slice;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn decode<C: Codec<T>, T>(name: &str, group: &mut Group<'_>, bytes: &[u8]) {
    group.bench_function(name, |b| b.iter(|| C::decode(black_box(bytes))));
}

fn encode<C: Codec<T>, T>(name: &str, group: &mut Group<'_>, bytes: &[u8]) {
    let value = C::decode(bytes).expect("the codec reads the sample");
    let mut out = Vec::new();
    group.bench_function(name, |b| {
        b.iter(|| {
            C::encode(black_box(&value), &mut out);
            black_box(out.as_slice());
        });
    });
}

fn header(c: &mut Criterion) {
    let bytes = samples::header();
    let mut group = c.benchmark_group("header-decode");
    each_codec!(decode, Header, &mut group, &bytes);
    group.finish();
    let mut group = c.benchmark_group("header-encode");
    each_codec!(encode, Header, &mut group, &bytes);
    group.finish();
}

fn error(c: &mut Criterion) {
    let bytes = samples::error();
    let mut group = c.benchmark_group("error-decode");
    each_codec!(decode, Error, &mut group, &bytes);
    group.finish();
    let mut group = c.benchmark_group("error-encode");
    each_codec!(encode, Error, &mut group, &bytes);
    group.finish();
}

fn domains(c: &mut Criterion) {
    let bytes = samples::domains();
    let elements = || Throughput::Elements(samples::DOMAINS.into());
    let mut group = c.benchmark_group("domains-owned");
    group.throughput(elements());
    each_codec!(decode, Domains, &mut group, &bytes);
    group.finish();

    let mut group = c.benchmark_group("domains-borrowed");
    group.throughput(elements());
    group.bench_function(floor::NAME, |b| {
        b.iter(|| floor::domains::<&str>(black_box(&bytes)));
    });
    group.bench_function(ours::NAME, |b| {
        b.iter(|| from_slice::<ours::BorrowedDomains<'_>>(black_box(&bytes)));
    });
    group.finish();

    let mut group = c.benchmark_group("domains-encode");
    group.throughput(elements());
    each_codec!(encode, Domains, &mut group, &bytes);
    group.finish();
}

/// A type beside the floor alone, both ways.
fn both<F, O>(c: &mut Criterion, name: &str, bytes: &[u8])
where
    floor::Xdr: Codec<F>,
    ours::Xdr: Codec<O>,
{
    let mut group = c.benchmark_group(format!("{name}-decode"));
    decode::<floor::Xdr, F>(floor::NAME, &mut group, bytes);
    decode::<ours::Xdr, O>(ours::NAME, &mut group, bytes);
    group.finish();
    let mut group = c.benchmark_group(format!("{name}-encode"));
    encode::<floor::Xdr, F>(floor::NAME, &mut group, bytes);
    encode::<ours::Xdr, O>(ours::NAME, &mut group, bytes);
    group.finish();
}

/// The generated codecs of `virt-remote`: a call, two replies, an event.
fn remote(c: &mut Criterion) {
    both::<Open, ConnectOpenArgs>(c, "remote-open", &samples::open());
    both::<AuthList, AuthListRet>(c, "remote-auth-list", &samples::auth_list());
    both::<Lifecycle, DomainEventLifecycleMsg>(c, "remote-lifecycle", &samples::lifecycle());
    both::<AllDomains, ConnectListAllDomainsRet>(c, "remote-all-domains", &samples::all_domains());
}

criterion_group! {
    name = benches;
    config = virt_benches::criterion();
    targets = header, error, domains, remote
}
criterion_main!(benches);
