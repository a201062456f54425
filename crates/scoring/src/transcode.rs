//! Text of any encoding that is read, as UTF-8.

use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1251};

use crate::dialect::Encoding;

/// Turns a stream of bytes into UTF-8. UTF-8 itself passes through unchecked.
pub(crate) struct Transcoder {
    decoder: Option<Decoder>,
}

/// A sequence of bytes that is no text in its encoding.
#[derive(Debug)]
pub(crate) struct Malformed;

impl Transcoder {
    pub(crate) fn new(encoding: Encoding) -> Transcoder {
        let encoding = match encoding {
            Encoding::Utf8 => None,
            Encoding::Utf16le => Some(UTF_16LE),
            Encoding::Utf16be => Some(UTF_16BE),
            Encoding::Windows1251 => Some(WINDOWS_1251),
        };
        Transcoder { decoder: encoding.map(|encoding| encoding.new_decoder_without_bom_handling()) }
    }

    /// Whether the bytes are anything else than UTF-8.
    pub(crate) fn is_needed(&self) -> bool {
        self.decoder.is_some()
    }

    /// Appends the text of the next bytes; `is_last` where no more will come. After an error, `text` ends
    /// right before the malformed place.
    pub(crate) fn push(&mut self, bytes: &[u8], is_last: bool, text: &mut Vec<u8>) -> Result<(), Malformed> {
        let Some(decoder) = &mut self.decoder else {
            text.extend_from_slice(bytes);
            return Ok(());
        };
        // Every unit of these encodings becomes at most three bytes; a surrogate kept from the push before
        // and the decoder's own reserve are in the constant.
        let written_before = text.len();
        text.resize(written_before + bytes.len() * 3 + 16, 0);
        let target = &mut text[written_before..];
        let (result, _, written) = decoder.decode_to_utf8_without_replacement(bytes, target, is_last);
        text.truncate(written_before + written);
        match result {
            DecoderResult::InputEmpty => Ok(()),
            DecoderResult::Malformed(..) | DecoderResult::OutputFull => Err(Malformed),
        }
    }
}
