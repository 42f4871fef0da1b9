//! The bodies of the fuzz targets in `bin/`.

pub mod readers;
