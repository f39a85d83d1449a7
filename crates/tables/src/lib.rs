//! How rows lie in Parquet: columns, files, partitions, DDL; bytes in, bytes out.
