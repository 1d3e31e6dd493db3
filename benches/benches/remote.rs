//! The generated codecs of `virt-remote` beside the floor: a call, two replies, an event.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use virt_benches::floor::remote::{AllDomains, AuthList, Lifecycle, Open};
use virt_benches::{Codec, floor, ours, samples};
use virt_remote::{
    AuthListRet, ConnectListAllDomainsRet, ConnectOpenArgs, DomainEventLifecycleMsg,
};

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

fn remote(c: &mut Criterion) {
    both::<Open, ConnectOpenArgs>(c, "remote-open", &samples::open());
    both::<AuthList, AuthListRet>(c, "remote-auth-list", &samples::auth_list());
    both::<Lifecycle, DomainEventLifecycleMsg>(c, "remote-lifecycle", &samples::lifecycle());
    both::<AllDomains, ConnectListAllDomainsRet>(c, "remote-all-domains", &samples::all_domains());
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .nresamples(10_000)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400));
    targets = remote
}
criterion_main!(benches);
