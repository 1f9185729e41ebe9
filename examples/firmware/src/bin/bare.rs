//! The same board without the protocol: what it takes by itself. It echoes bytes until one is 4, the end of a transmission.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use board::{HEAP_SIZE, exit, heap_used, uptime};
use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;

#[entry]
fn main() -> ! {
    let Some(mut uart) = board::start() else { exit(false) };
    let (mut bytes, mut waiting) = ([0; 64], Vec::new());
    while !waiting.contains(&4) {
        let count = uart.receive(&mut bytes);
        waiting.extend_from_slice(&bytes[..count]);
        let count = uart.send(&waiting);
        if !waiting[..count].contains(&4) {
            waiting.drain(..count);
        }
    }
    hprintln!("heap: {} bytes of {} after {:?}", heap_used(), HEAP_SIZE, uptime());
    exit(true)
}
