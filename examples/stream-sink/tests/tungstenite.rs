//! The other end is tokio-tungstenite.

mod common;

use common::{bounded, noise};
use futures_util::{SinkExt, StreamExt, TryStreamExt, future};
use stream_sink::{Error, Message, accept_async, accept_hdr_async, connect_async};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite;
use ws_proto::handshake::client::Request;
use ws_proto::handshake::server::{Answer, Response};
use ws_proto::{CloseCode, CloseFrame};

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let uri = format!("ws://{}/", listener.local_addr().expect("its address"));
    (listener, uri)
}

fn payloads() -> Vec<Vec<u8>> {
    [0, 1, 125, 126, 65_535, 65_536, 1 << 20].map(noise).into()
}

#[tokio::test]
async fn its_client_and_our_server() {
    let (listener, uri) = listener().await;
    let server = tokio::spawn(async move {
        let ws = accept_async(listener.accept().await.expect("accepted").0).await.expect("asked");
        let (sink, stream) = ws.split();
        stream.try_filter(|message| future::ready(message.is_text() || message.is_binary())).forward(sink).await
    });
    let (mut ws, _) = bounded(tokio_tungstenite::connect_async(uri)).await.expect("accepted");
    for data in payloads() {
        ws.send(data.clone().into()).await.expect("sent");
        let echoed = bounded(ws.next()).await.expect("an item").expect("a message");
        assert!(echoed.is_binary() && echoed.into_data() == data);
    }
    ws.send("🦀".into()).await.expect("sent");
    assert_eq!(bounded(ws.next()).await.expect("an item").expect("a message"), "🦀".into());
    ws.send(tungstenite::Message::Ping("?".into())).await.expect("sent");
    assert_eq!(bounded(ws.next()).await.expect("an item").expect("a Pong"), tungstenite::Message::Pong("?".into()));
    let code = tungstenite::protocol::frame::coding::CloseCode::Away;
    ws.close(Some(tungstenite::protocol::CloseFrame { code, reason: "why".into() })).await.expect("closed");
    let Some(Ok(tungstenite::Message::Close(Some(frame)))) = bounded(ws.next()).await else { panic!("it is closed") };
    assert_eq!(frame.code, code);
    assert!(bounded(ws.next()).await.is_none());
    bounded(server).await.expect("a task").expect("a clean end");
}

#[tokio::test]
async fn our_client_and_its_server() {
    let (listener, uri) = listener().await;
    let server = tokio::spawn(async move {
        let socket = listener.accept().await.expect("accepted").0;
        let ws = tokio_tungstenite::accept_async(socket).await.expect("asked");
        let (sink, stream) = ws.split();
        stream.try_filter(|message| future::ready(message.is_text() || message.is_binary())).forward(sink).await
    });
    let (mut ws, response) = bounded(connect_async(uri)).await.expect("accepted");
    assert_eq!(response.status(), 101);
    for data in payloads() {
        ws.send(data.clone().into()).await.expect("sent");
        assert_eq!(bounded(ws.next()).await.expect("an item").expect("a message"), data.into());
    }
    ws.send("🦀".into()).await.expect("sent");
    assert_eq!(bounded(ws.next()).await.expect("an item").expect("a message"), "🦀".into());
    ws.send(Message::Ping("?".into())).await.expect("sent");
    assert_eq!(bounded(ws.next()).await.expect("an item").expect("a Pong"), Message::Pong("?".into()));
    ws.close(Some(CloseFrame::new(CloseCode::GOING_AWAY, "why").expect("it is short"))).await.expect("closed");
    let Some(Ok(Message::Close(Some(frame)))) = bounded(ws.next()).await else { panic!("it is closed") };
    assert_eq!(frame.code(), Some(CloseCode::GOING_AWAY));
    assert!(bounded(ws.next()).await.is_none());
    bounded(server).await.expect("a task").expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn both_flood_each_other() {
    const COUNT: usize = 300;
    let (listener, uri) = listener().await;
    let data = noise(50_000);
    let expected = data.clone();
    let server = tokio::spawn(async move {
        let ws = accept_async(listener.accept().await.expect("accepted").0).await.expect("asked");
        let (mut sink, mut stream) = ws.split();
        let writer = tokio::spawn(async move {
            for _ in 0..COUNT {
                sink.send(expected.clone().into()).await.expect("sent");
            }
            sink
        });
        for _ in 0..COUNT {
            assert_eq!(stream.next().await.expect("an item").expect("a message").len(), 50_000);
        }
        let _sink = writer.await.expect("all sent");
        while stream.next().await.is_some_and(|item| item.is_ok()) {}
    });
    let (mut sink, mut stream) = bounded(tokio_tungstenite::connect_async(uri)).await.expect("accepted").0.split();
    let sent = data.clone();
    let writer = tokio::spawn(async move {
        for _ in 0..COUNT {
            sink.send(sent.clone().into()).await.expect("sent");
        }
        sink
    });
    bounded(async {
        for _ in 0..COUNT {
            assert!(stream.next().await.expect("an item").expect("a message").into_data() == data);
        }
        writer.await.expect("all sent").close().await.expect("closed");
        while stream.next().await.is_some_and(|item| item.is_ok()) {}
        server.await.expect("it went well");
    })
    .await;
}

#[tokio::test]
async fn the_callback_chooses_a_subprotocol_or_refuses() {
    let (listener, uri) = listener().await;
    let server = tokio::spawn(async move {
        let mut accepted = Vec::new();
        for _ in 0..2 {
            let socket = listener.accept().await.expect("accepted").0;
            let choose = |request: &ws_proto::handshake::server::Request, answer: Answer| {
                let no = Response::new(403).expect("a status");
                let name = request.choose_subprotocol(&["chat"]).ok_or_else(|| no.clone())?;
                answer.subprotocol(name).map_err(|_| no)
            };
            accepted.push(accept_hdr_async(socket, choose).await.map(drop));
        }
        accepted
    });
    let request = tungstenite::ClientRequestBuilder::new(uri.parse().expect("a URI")).with_sub_protocol("chat");
    let (_, response) = bounded(tokio_tungstenite::connect_async(request)).await.expect("accepted");
    assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "chat");
    let request = Request::new(uri.parse().expect("a URI")).subprotocol("other").expect("a token");
    let Err(Error::Handshake(declined)) = bounded(connect_async(request)).await else { panic!("it was refused") };
    assert_eq!(declined.to_string(), "the server answered with status 403");
    let accepted = bounded(server).await.expect("a task");
    assert!(matches!(accepted[..], [Ok(()), Err(Error::Refused(403))]), "{accepted:?}");
}
