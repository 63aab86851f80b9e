//! The executable `stromtor`.
#![allow(clippy::print_stdout, reason = "what a command prints is its result")]

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use stromtor_api::{
    config::Config,
    run::{self, Role},
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Stromtor, the backend of a charge point operator's network.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// Configuration file (TOML); see `stromtor config`.
    #[arg(long, global = true, env = "STROMTOR_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the REST API, the OCPP gateway and the jobs.
    Serve,
    /// Serve the REST API alone.
    Api,
    /// Serve the OCPP gateway alone; several may share its port.
    Gateway,
    /// Run jobs and deliveries alone.
    Worker,
    /// Serve with demo data and simulated stations, one of them charging.
    Demo,
    /// Bring the database up to date and end.
    Migrate,
    /// Print the commented default configuration.
    Config {
        /// Print its JSON schema instead.
        #[arg(long)]
        schema: bool,
    },
    /// Print the OpenAPI document.
    Openapi,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command {
        Command::Config { schema: false } => {
            print!("{}", stromtor_api::config::DEFAULT);
            return ExitCode::SUCCESS;
        }
        Command::Config { schema: true } => {
            println!("{:#}", Config::schema());
            return ExitCode::SUCCESS;
        }
        Command::Openapi => {
            print!("{}", stromtor_api::service::CONTRACT);
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let config = match Config::load(arguments.config.as_deref()) {
        Ok(config) => config,
        Err(error) => return fail(&format!("configuration: {error}")),
    };
    run::start_logging(&config.log);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string()),
    };
    let outcome = runtime.block_on(async {
        match arguments.command {
            Command::Migrate => run::migrate(config).await,
            Command::Demo => run::serve(config, Role::Demo).await,
            Command::Api => run::serve(config, Role::Api).await,
            Command::Gateway => run::serve(config, Role::Gateway).await,
            Command::Worker => run::serve(config, Role::Worker).await,
            _ => run::serve(config, Role::All).await,
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(2));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

#[allow(clippy::print_stderr)]
fn fail(message: &str) -> ExitCode {
    eprintln!("stromtor: {message}");
    ExitCode::FAILURE
}
