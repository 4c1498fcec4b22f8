//! scratch
use proofbook_cli::bench::workload::Workload;
use proofbook_event::EventDraft;
use proofbook_store::prepare::Wanted;
use proofbook_store::store::{Machine, Store};
use std::sync::Arc;
fn main() {
    tracing_subscriber::fmt().init();
    let dir = std::path::PathBuf::from("/tmp/repro-data");
    let _ = std::process::Command::new("rm").args(["-rf", "/tmp/repro-data"]).status();
    let disk = proofbook_store::disk::RealDisk::create(&dir).unwrap();
    let machine = Machine {
        disk: Arc::new(disk),
        clock: Arc::new(proofbook_store::clock::RealClock),
        random: Arc::new(proofbook_store::random::SystemRandom),
    };
    let store =
        Store::start(&machine, Default::default(), Box::new(|f| println!("fatal {f}"))).unwrap();
    let w = Workload::new(1, 1000, 100_000);
    for b in w.batches() {
        let drafts: Vec<_> = b
            .bytes
            .split(|c| *c == b'\n')
            .filter(|l| !l.is_empty())
            .map(|l| EventDraft::parse(l).unwrap())
            .collect();
        let names: Vec<String> =
            drafts.iter().map(|d| d.workspace.as_deref().unwrap().to_owned()).collect();
        let wanted = drafts
            .into_iter()
            .zip(&names)
            .map(|(draft, n)| Ok(Wanted { workspace: n, draft }))
            .collect();
        store.commit(store.prepare(true, wanted)).unwrap();
    }
    println!("ingested");
    store.pack_soon();
    std::thread::sleep(std::time::Duration::from_secs(20));
    println!("{:?}", store.counters());
    println!("{:?}", store.view().segments);
}
