//! Commands to stations: resources with a state and a result.
