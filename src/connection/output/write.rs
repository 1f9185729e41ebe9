//! Writing the output to what implements [`std::io::Write`].

use super::{Output, SHOWN};
use bytes::Buf;

/// The largest slice for a vectored write. Some systems count in 32 bits.
const MAX_SLICE: usize = 1 << 30;

impl Output {
    /// Writes once, vectored if there is more than one chunk, and removes what was written. How much that was; 0 when nothing
    /// waits, or when the writer takes nothing, which ends a loop around it.
    ///
    /// ```
    /// # use ws_proto::{Config, Connection};
    /// # fn example(ws: &mut Connection, socket: &mut std::net::TcpStream) -> std::io::Result<()> {
    /// while ws.interest().write {
    ///     if ws.output().write_to(socket)? == 0 {
    ///         return Err(std::io::ErrorKind::WriteZero.into());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the writer. An interrupted write is tried again; after any other error nothing is lost. A writer that claims to
    /// have written more than it was given is [`InvalidData`](std::io::ErrorKind::InvalidData).
    #[inline]
    pub fn write_to(&mut self, writer: &mut (impl std::io::Write + ?Sized)) -> std::io::Result<usize> {
        if self.beside == 0 {
            self.write_with(|output| {
                let chunk = output.chunk();
                Ok((if chunk.is_empty() { 0 } else { writer.write(chunk)? }, chunk.len()))
            })
        } else if self.data.large_count() <= 1 {
            // A large payload lies between small frames, and control frames, which are one piece, cut another in two.
            self.write_with(|output| output.write_vectored::<5>(writer))
        } else {
            self.write_with(|output| output.write_vectored::<64>(writer))
        }
    }

    /// Removes what a write takes, which is done again if it is interrupted. `write` returns how much was written, and how much
    /// was shown to the writer.
    #[inline(always)]
    fn write_with(
        &mut self,
        mut write: impl FnMut(&Self) -> std::io::Result<(usize, usize)>,
    ) -> std::io::Result<usize> {
        loop {
            match write(self) {
                Ok((written, shown)) if written <= shown => {
                    // No more was shown than remains.
                    self.remove_written(written);
                    return Ok(written);
                }
                Ok(_) => return Err(std::io::ErrorKind::InvalidData.into()),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Notes that all that waits has been shown to a writer, which has taken so many bytes of it, and not all.
    pub(in crate::connection) fn begin_written(&mut self, written: usize) {
        self.show(self.remaining());
        self.remove_written(written);
    }

    /// Fills slices with what waits: how many, and how much that is.
    #[inline]
    pub(super) fn fill<'a>(&'a self, slices: &mut [std::io::IoSlice<'a>]) -> (usize, usize) {
        let mut filled = 0;
        let mut size = 0;
        let mut add = |bytes: &'a [u8]| {
            if bytes.is_empty() {
                return false;
            }
            let Some(slice) = slices.get_mut(filled) else { return true };
            let shown = bytes.get(..MAX_SLICE).unwrap_or(bytes);
            *slice = std::io::IoSlice::new(shown);
            filled += 1;
            size += shown.len();
            shown.len() < bytes.len()
        };
        let mut control = self.control.as_ref().and_then(|control| control.next());
        self.data.each_chunk(SHOWN, |data| {
            let Some((data_before, frames)) = &mut control else { return add(data) };
            if let Some(before) = data.get(..*data_before) {
                // Others may still come behind these, so what is behind them is not shown yet.
                let _: bool = add(before) || add(frames);
                return true;
            }
            *data_before -= data.len();
            add(data)
        });
        self.show(size);
        (filled, size)
    }

    /// Writes once; how much was written and how much was shown.
    fn write_vectored<const SLICES: usize>(
        &self,
        writer: &mut (impl std::io::Write + ?Sized),
    ) -> std::io::Result<(usize, usize)> {
        let mut slices = [std::io::IoSlice::new(&[]); SLICES];
        let (filled, size) = self.fill(&mut slices);
        let written = writer.write_vectored(slices.get(..filled).unwrap_or_default())?;
        Ok((written, size))
    }
}
