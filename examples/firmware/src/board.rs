//! The board: Arm's MPS2 with a Cortex-M4 (AN386), which QEMU emulates. A serial line, a clock, and a heap of fixed size.

#![no_std]

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use cortex_m_semihosting::debug;
use embedded_alloc::LlffHeap;
use panic_semihosting as _;

/// All the memory that is ever allocated.
pub const HEAP_SIZE: usize = 24 << 10;

#[global_allocator]
static HEAP: LlffHeap = LlffHeap::empty();

/// Milliseconds since the start; they begin again at 0 after 49 days.
static TICKS: AtomicU32 = AtomicU32::new(0);

/// The frequency of the processor in hertz.
const FREQUENCY: u32 = 25_000_000;

#[exception]
fn SysTick() {
    // The only writer, and nothing interrupts it.
    TICKS.store(TICKS.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

/// The first of the serial lines, which the emulator connects with a socket.
pub struct Uart(());

impl Uart {
    const BASE: usize = 0x4000_4000;
    const DATA: usize = 0x0;
    const STATE: usize = 0x4;
    const CONTROL: usize = 0x8;
    const BAUD_DIVISOR: usize = 0x10;
    /// The byte before has not been sent yet.
    const SENDING: u32 = 1;
    /// A byte has come.
    const RECEIVED: u32 = 2;

    fn read(register: usize) -> u32 {
        // SAFETY: at this address the board has the registers of the line, aligned words, of which none is memory.
        unsafe { ptr::read_volatile((Self::BASE + register) as *const u32) }
    }

    fn write(register: usize, value: u32) {
        // SAFETY: as above; they start no transfer to memory.
        unsafe { ptr::write_volatile((Self::BASE + register) as *mut u32, value) }
    }

    /// Fills the buffer with what has come, and returns how much that is.
    #[allow(clippy::cast_possible_truncation, reason = "the register holds one byte")]
    pub fn receive(&mut self, buffer: &mut [u8]) -> usize {
        for (count, byte) in buffer.iter_mut().enumerate() {
            if Self::read(Self::STATE) & Self::RECEIVED == 0 {
                return count;
            }
            *byte = Self::read(Self::DATA) as u8;
        }
        buffer.len()
    }

    /// Sends as much as the line takes at once, and returns how much that is.
    pub fn send(&mut self, bytes: &[u8]) -> usize {
        for (count, byte) in bytes.iter().enumerate() {
            if Self::read(Self::STATE) & Self::SENDING != 0 {
                return count;
            }
            Self::write(Self::DATA, (*byte).into());
        }
        bytes.len()
    }
}

/// Starts the clock, the line and the heap. `None` if they are started already.
pub fn start() -> Option<Uart> {
    let mut peripherals = cortex_m::Peripherals::take()?;
    // SAFETY: as `take` returns the peripherals once only, this is the only call, and nothing has been allocated before it.
    unsafe {
        embedded_alloc::init!(HEAP, HEAP_SIZE);
    }
    peripherals.SYST.set_clock_source(SystClkSource::Core);
    peripherals.SYST.set_reload(FREQUENCY / 1000 - 1);
    peripherals.SYST.clear_current();
    peripherals.SYST.enable_counter();
    peripherals.SYST.enable_interrupt();
    Uart::write(Uart::BAUD_DIVISOR, FREQUENCY / 115_200);
    Uart::write(Uart::CONTROL, 3);
    Some(Uart(()))
}

/// How long it is since the start.
pub fn uptime() -> Duration {
    Duration::from_millis(TICKS.load(Ordering::Relaxed).into())
}

/// How many bytes are allocated.
pub fn heap_used() -> usize {
    HEAP.used()
}

/// Ends the emulator, whose exit status is 0 or 1.
pub fn exit(is_success: bool) -> ! {
    loop {
        debug::exit(if is_success { Ok(()) } else { Err(()) });
    }
}
