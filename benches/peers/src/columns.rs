//! All endpoints that are measured, in the order of the columns.

use crate::endpoint::Endpoint;
use crate::endpoint::connection::Peer;
use crate::endpoint::copying::Copying;
use crate::endpoint::fastwebsockets::FastWebSockets;
use crate::endpoint::floor::Floor;
use crate::endpoint::nexus_web::NexusWeb;
use crate::endpoint::parts::Parts;
use crate::endpoint::sockudo::Sockudo;
use crate::endpoint::sockudo_protocol::SockudoProtocol;
use crate::endpoint::soketto::Soketto;
use crate::endpoint::tokio_websockets::TokioWebSockets;
use crate::endpoint::tungstenite::Tungstenite;
use crate::endpoint::websocket_sans_io::WebSocketSansIo;
use crate::endpoint::ws_proto::WsProto;
use crate::endpoint::wtx::Wtx;
use std::marker::PhantomData;

pub const ALL: &[&dyn Endpoint] = &[
    &Copying,
    &Parts,
    &Floor,
    &WsProto,
    &Peer::<Tungstenite>(PhantomData),
    &Peer::<FastWebSockets>(PhantomData),
    &Peer::<TokioWebSockets>(PhantomData),
    &Peer::<Soketto>(PhantomData),
    &Peer::<Sockudo>(PhantomData),
    &Peer::<SockudoProtocol>(PhantomData),
    &Peer::<Wtx>(PhantomData),
    &Peer::<NexusWeb>(PhantomData),
    &Peer::<WebSocketSansIo>(PhantomData),
];

/// The name of the endpoint that the others are compared with.
pub const OURS: &str = "ws-proto";
