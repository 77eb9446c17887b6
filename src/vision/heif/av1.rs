//! AV1 by re_rav1d: the first frame of a bitstream.

use heifer_hevc_dec::recon::Frame;
use re_rav1d::dav1d::pixel::{MatrixCoefficients, YUVRange};
use re_rav1d::dav1d::{Decoder, Error, InloopFilterType, Picture, PixelLayout, PlanarImageComponent, Settings};

use super::problem::Problem;

/// Decodes the picture of a bitstream, without threads. Film grain is left out.
pub fn frame(stream: Vec<u8>, max_pixels: u64, is_rough: bool) -> Result<Frame, Problem> {
    let refused = |e: Error| match e {
        Error::NotEnoughMemory => Problem::Damaged("the picture needs more memory than there is".into()),
        Error::Again => Problem::Damaged("the picture data ends too early".into()),
        _ => Problem::Damaged("the picture data cannot be decoded: it is damaged, or larger than the file says".into()),
    };
    if stream.is_empty() {
        return Err(refused(Error::Again));
    }
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_apply_grain(false);
    settings.set_all_layers(false);
    settings.set_frame_size_limit(u32::try_from(max_pixels).unwrap_or(u32::MAX));
    settings.set_inloop_filters(if is_rough { InloopFilterType::empty() } else { InloopFilterType::all() });
    let mut decoder = Decoder::with_settings(&settings).map_err(refused)?;
    match decoder.send_data(stream, None, None, None) {
        Ok(()) | Err(Error::Again) => {}
        Err(e) => return Err(refused(e)),
    }
    decoder.get_picture().map_err(refused).map(|picture| copied(&picture))
}

/// Returns the samples of a picture as those of HEVC come.
fn copied(picture: &Picture) -> Frame {
    let (width, height) = (picture.width(), picture.height());
    let (chroma_format, columns, rows) = match picture.pixel_layout() {
        PixelLayout::I400 => (0, 0, 0),
        PixelLayout::I420 => (1, width.div_ceil(2), height.div_ceil(2)),
        PixelLayout::I422 => (2, width.div_ceil(2), height),
        PixelLayout::I444 => (3, width, height),
    };
    let bits = picture.bits_per_component().map_or(8, |bits| bits.0 as u8);
    let plane = |component, width: u32, height: u32| -> Vec<u16> {
        if width == 0 {
            return Vec::new();
        }
        let samples = picture.plane(component);
        let rows = samples.chunks(picture.stride(component) as usize).take(height as usize);
        if bits == 8 {
            rows.flat_map(|row| row.iter().take(width as usize)).map(|sample| u16::from(*sample)).collect()
        } else {
            let samples = rows.flat_map(|row| row.chunks_exact(2).take(width as usize));
            samples.map(|pair| u16::from_ne_bytes([pair[0], pair[1]])).collect()
        }
    };
    Frame {
        widths: [width, columns, columns],
        heights: [height, rows, rows],
        planes: [
            plane(PlanarImageComponent::Y, width, height),
            plane(PlanarImageComponent::U, columns, rows),
            plane(PlanarImageComponent::V, columns, rows),
        ],
        bit_depth: [bits; 2],
        chroma_format,
        full_range: picture.color_range() == YUVRange::Full,
        matrix_coeffs: match picture.matrix_coefficients() {
            MatrixCoefficients::Identity => 0,
            MatrixCoefficients::BT709 => 1,
            MatrixCoefficients::BT470M => 4,
            MatrixCoefficients::ST240M => 7,
            MatrixCoefficients::BT2020NonConstantLuminance | MatrixCoefficients::BT2020ConstantLuminance => 9,
            _ => 6,
        },
    }
}
