//! What operators see of the functions: settings, logs, metrics.
