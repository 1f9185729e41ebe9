# hyper and axum drive it.
at_most 60 "$here"/drive/src/lib.rs
