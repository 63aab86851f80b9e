//! The load bench: stations against the built server, on this machine's loopback, bounded in count and time.
//!
//! `load charging` charges in closed-loop sessions, `load heartbeat` compares with a server that does nothing else, `load idle`
//! keeps stations connected, `load storm` kills the gateways under them. `load decision`, `load assignment`, `load rating` and
//! `load authorizations` measure rules and lists, without stations. The stations run in processes of their own, each
//! from several addresses of 127.0.0.0/8, for a process may open only so many files and an address has only so many ports.
#![allow(missing_docs, clippy::print_stdout, clippy::disallowed_methods)]

mod bare;
mod bench;
mod estate;
mod fleet;
mod measure;
mod rules;
mod servers;
mod stations;

use std::time::Duration;

use clap::{Args, Parser, Subcommand};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// Charging sessions: Authorize, StatusNotification, StartTransaction, 4 × MeterValues, StopTransaction,
    /// StatusNotification, each message as soon as the last one is answered.
    Charging(Size),
    /// Heartbeats, each as soon as the last one is answered; then the same from a server without any logic.
    Heartbeat(Size),
    /// Stations that are connected and send a heartbeat every five minutes.
    Idle(Size),
    /// The gateways are killed under connected stations, one in ten of them charging, and started again.
    Storm(Size),
    /// Who may charge: decisions one after the other.
    Decision(Many),
    /// A tariff for every charge point of an operator, checked and confirmed.
    Assignment(Many),
    /// What sessions cost, in this process, on one core.
    Rating(Many),
    /// Pages of the authorisation monitor.
    Authorizations {
        /// Authorisations.
        #[arg(long, default_value_t = 10_000_000)]
        rows: usize,
    },
    /// A process of stations; told what to do over its standard input.
    #[command(hide = true)]
    Stations(stations::Life),
    /// A WebSocket server without any logic.
    #[command(hide = true)]
    Bare,
}

#[derive(Args)]
pub struct Size {
    /// Stations.
    #[arg(long, default_value_t = 1000)]
    stations: usize,
    /// Seconds measured.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Gateway processes behind the one port. With one, `stromtor serve` does everything.
    #[arg(long, default_value_t = 1)]
    gateways: usize,
    /// Processes of stations.
    #[arg(long, default_value_t = 1)]
    loaders: usize,
    /// Milliseconds that a station pauses before each message; stations that charge are spread over a session's pauses.
    #[arg(long, default_value_t = 0)]
    pause_ms: u64,
    /// Folder for the server's data, kept; else one that goes away.
    #[arg(long)]
    data: Option<std::path::PathBuf>,
}

#[derive(Args)]
pub struct Many {
    /// Charge points.
    #[arg(long, default_value_t = 52_186)]
    charge_points: usize,
    /// Tokens.
    #[arg(long, default_value_t = 1_000_000)]
    tokens: usize,
    /// How often it is done.
    #[arg(long, default_value_t = 20_000)]
    rounds: usize,
}

impl Size {
    fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

#[tokio::main]
async fn main() {
    let Arguments { bench } = Arguments::parse();
    if let Bench::Charging(size) | Bench::Heartbeat(size) | Bench::Idle(size) | Bench::Storm(size) = &bench {
        assert!(size.stations <= 60_000 && size.seconds <= 600, "bounded in count and time");
        assert!((1..=8).contains(&size.gateways) && (1..=8).contains(&size.loaders), "a few processes");
    }
    if let Bench::Decision(many) | Bench::Assignment(many) | Bench::Rating(many) = &bench {
        assert!(
            many.charge_points <= 200_000 && many.tokens <= 5_000_000 && many.rounds <= 1_000_000,
            "bounded in count"
        );
        assert!(many.charge_points >= 2 && many.tokens >= 2, "enough of them");
    }
    match bench {
        Bench::Charging(size) => bench::charging(&size).await,
        Bench::Heartbeat(size) => bench::heartbeat(&size).await,
        Bench::Idle(size) => bench::idle(&size).await,
        Bench::Storm(size) => bench::storm(&size).await,
        Bench::Decision(many) => rules::decision(&many).await,
        Bench::Assignment(many) => rules::assignment(&many).await,
        Bench::Rating(many) => rules::rating(&many),
        Bench::Authorizations { rows } => {
            assert!((1..=20_000_000).contains(&rows), "bounded in count");
            rules::authorizations(rows).await;
        }
        Bench::Stations(life) => stations::run(life).await,
        Bench::Bare => bare::run().await,
    }
}
