//! What processes cost, as Linux counts it, and how long answers took.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

/// Microseconds by action.
pub type Histograms = BTreeMap<String, Histogram<u64>>;

/// An empty histogram.
pub fn histogram() -> Histogram<u64> {
    Histogram::new(3).expect("three digits")
}

/// A process and its children.
pub fn family(parent: u32) -> Vec<u32> {
    let mut all = vec![parent];
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        if stat(pid).get(1).and_then(|parent| parent.parse().ok()) == Some(parent) {
            all.push(pid);
        }
    }
    all
}

/// The fields of a process's state behind its name.
fn stat(pid: u32) -> Vec<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    rest.split_whitespace().map(str::to_owned).collect()
}

/// Processor seconds that processes have spent; Linux counts hundredths.
pub fn cpu(pids: &[u32]) -> f64 {
    let ticks = pids.iter().map(|pid| {
        let stat = stat(*pid);
        let at = |place: usize| stat.get(place).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
        at(11) + at(12)
    });
    ticks.sum::<u64>() as f64 / 100.0
}

/// Resident memory of processes in KiB.
pub fn resident(pids: &[u32]) -> u64 {
    let one = |pid: &u32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or_default()
    };
    pids.iter().map(one).sum()
}

/// A table of answers: how many there were, in all.
pub fn table(seen: &Histograms) -> u64 {
    println!("{:<20} {:>10} {:>10} {:>10} {:>10}", "action", "messages", "p50 ms", "p99 ms", "max ms");
    for (action, histogram) in seen {
        let at = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1000.0;
        let max = histogram.max() as f64 / 1000.0;
        println!("{action:<20} {:>10} {:>10.1} {:>10.1} {max:>10.1}", histogram.len(), at(0.5), at(0.99));
    }
    seen.values().map(Histogram::len).sum()
}
