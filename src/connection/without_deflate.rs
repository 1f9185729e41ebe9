//! What stands in for compression where the feature is off: types that have no values.

use crate::input::Input;
use crate::prepared::{Form, Prepared};
use crate::violation::Violation;
use bytes::BytesMut;
use core::ops::Range;

#[derive(Debug)]
pub(super) enum Inflating {}

#[allow(dead_code, reason = "nothing is inflated")]
pub(super) enum Found {
    Nothing,
    Data { range: Range<usize>, fin: bool, piece_is_used_up: bool },
    Fault(Violation),
}

impl Inflating {
    pub(super) const fn receive(&mut self, _: bool, _: &mut Input, _: bool) -> Found {
        match *self {}
    }

    pub(super) const fn set_limit(&mut self, _: u64) {
        match *self {}
    }

    pub(super) const fn release(&mut self) {
        match *self {}
    }
}

#[derive(Debug)]
pub(super) enum Deflating {}

impl Deflating {
    pub(super) const fn bound(length: usize) -> usize {
        length
    }

    pub(super) const fn is_for(&self, _: usize) -> bool {
        match *self {}
    }

    pub(super) const fn is_in_message(&self) -> bool {
        match *self {}
    }

    pub(super) const fn append(&mut self, _: &[u8], _: bool, _: &mut BytesMut) {
        match *self {}
    }

    pub(super) const fn form<'p>(&self, _: &'p Prepared) -> Option<&'p Form> {
        match *self {}
    }

    pub(super) const fn skip_message(&mut self) {
        match *self {}
    }

    pub(super) const fn take_draft(&mut self) -> BytesMut {
        match *self {}
    }

    pub(super) fn give_draft(&mut self, _: BytesMut) {
        match *self {}
    }

    pub(super) const fn release(&mut self) {
        match *self {}
    }
}
