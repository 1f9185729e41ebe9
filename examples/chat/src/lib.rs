//! What a chat server is made of: rooms of connections, one registry for the deadlines of all of them, and a task that
//! serves a connection.

pub mod deadlines;
pub mod rooms;
pub mod serve;
