//! Reads a pcap file: packets of TCP over IP, and which of the two ends is the client.

use crate::tcp::Direction;
use crate::{Capture, Chunk};
use anyhow::{anyhow, bail, ensure};
use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TcpSlice, TransportSlice};
use pcap_parser::{Linktype, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_header};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use ws_proto::Role;

/// A segment with whom it is from and for.
struct Segment<'a> {
    from: SocketAddr,
    to: SocketAddr,
    tcp: TcpSlice<'a>,
}

/// What of a connection has been seen.
struct Flow {
    client: SocketAddr,
    server: SocketAddr,
    began: Duration,
    from_client: Direction,
    from_server: Direction,
}

/// Reads the one connection that a file holds, or the one that has this port at an end.
pub fn read(file: &[u8], port: Option<u16>) -> anyhow::Result<Capture> {
    if file.starts_with(b"\x0a\x0d\x0d\x0a") {
        bail!("this is pcapng; convert it to pcap first, as `editcap -F pcap` or `tcpdump -r` and `-w` do");
    }
    let (mut rest, header) = parse_pcap_header(file).map_err(|_| anyhow!("this is not a pcap file"))?;
    ensure!(!header.is_modified_format(), "this is a modified pcap format, which is not read here");
    let parse = if header.is_bigendian() { parse_pcap_frame_be } else { parse_pcap_frame };
    let tick = if header.is_nanosecond_precision() { 1 } else { 1000 };
    let (mut flow, mut chunks, mut notes, mut packets) = (None::<Flow>, Vec::new(), Vec::new(), 0_u64);
    while !rest.is_empty() {
        let Ok((behind, packet)) = parse(rest) else {
            notes.push("the file ends within a packet".to_owned());
            break;
        };
        rest = behind;
        packets += 1;
        let Some(segment) = segment(header.network, packet.data)? else { continue };
        let Segment { from, to, tcp } = &segment;
        if port.is_some_and(|port| port != from.port() && port != to.port()) {
            continue;
        }
        if packet.caplen < packet.origlen {
            notes.push(format!("packet {packets} was not captured whole: use `tcpdump -s 0`"));
        }
        let now = Duration::new(packet.ts_sec.into(), packet.ts_usec.saturating_mul(tick));
        let flow = flow.get_or_insert_with(|| Flow::of(&segment, now));
        let (sender, direction) = match (*from, *to) {
            ends if ends == (flow.client, flow.server) => (Role::Client, &mut flow.from_client),
            ends if ends == (flow.server, flow.client) => (Role::Server, &mut flow.from_server),
            _ => bail!(
                "there are several connections, {} to {} and {from} to {to}: use --port",
                flow.client,
                flow.server
            ),
        };
        let mut sequence = tcp.sequence_number();
        if tcp.syn() {
            ensure!(direction.begin(sequence), "there are several connections between the same ports: split the file");
            sequence = sequence.wrapping_add(1);
        }
        let bytes = direction.receive(sequence, tcp.payload());
        if !bytes.is_empty() {
            chunks.push(Chunk { sender, time: Some(now.saturating_sub(flow.began)), bytes });
        }
    }
    let Some(flow) = flow else { bail!("there is no segment of TCP in {packets} packets") };
    for (name, direction) in [("client", &flow.from_client), ("server", &flow.from_server)] {
        if let Some((at, count)) = direction.gap() {
            notes.push(format!(
                "the capture lacks {count} bytes of the {name} behind its first {at}; the rest is not decoded"
            ));
        }
    }
    Ok(Capture { chunks, notes })
}

impl Flow {
    /// The connection that a segment belongs to. Where it is not the first one, the server is taken to have the lower port.
    fn of(Segment { from, to, tcp }: &Segment<'_>, began: Duration) -> Self {
        let from_client = if tcp.syn() { !tcp.ack() } else { from.port() > to.port() };
        let (client, server) = if from_client { (*from, *to) } else { (*to, *from) };
        Self { client, server, began, from_client: Direction::default(), from_server: Direction::default() }
    }
}

/// The segment of TCP in a packet, if there is one.
fn segment(link: Linktype, packet: &[u8]) -> anyhow::Result<Option<Segment<'_>>> {
    let at = |start: usize| packet.get(start..).unwrap_or_default();
    // The type of what follows stands where https://www.tcpdump.org/linktypes.html says.
    let behind = |type_at: usize, header: usize| {
        let ether_type = at(type_at).first_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes));
        Some(LaxSlicedPacket::from_ether_type(EtherType(ether_type), at(header)))
    };
    let sliced = match link {
        Linktype::ETHERNET => LaxSlicedPacket::from_ethernet(packet).ok(),
        Linktype::LINUX_SLL => behind(14, 16),
        Linktype::LINUX_SLL2 => behind(0, 20),
        Linktype::NULL | Linktype::LOOP => LaxSlicedPacket::from_ip(at(4)).ok(),
        // 12 and 14 are what some systems write for RAW.
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 | Linktype(12 | 14) => LaxSlicedPacket::from_ip(packet).ok(),
        Linktype(other) => bail!("packets of link type {other} are not read here"),
    };
    let Some(sliced) = sliced else { return Ok(None) };
    let (from, to): (IpAddr, IpAddr) = match &sliced.net {
        Some(LaxNetSlice::Ipv4(ip)) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        Some(LaxNetSlice::Ipv6(ip)) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        _ => return Ok(None),
    };
    let Some(TransportSlice::Tcp(tcp)) = sliced.transport else { return Ok(None) };
    let (from, to) = ((from, tcp.source_port()).into(), (to, tcp.destination_port()).into());
    Ok(Some(Segment { from, to, tcp }))
}
