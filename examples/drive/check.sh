# hyper, axum and rustls drive it.
at_most 75 "$here"/drive/src/lib.rs
