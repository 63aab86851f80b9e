//! Stickers of charge points: the QR code and the EVSE-ID below it, drawn as SVG or PDF from one layout.

use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, Str};
use poem::{IntoResponse, Response, http::header};
use poem_openapi::{
    ApiResponse,
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
    types::Type as _,
};
use qrcode::{Color, EcLevel, QrCode};
use stromtor_domain::{
    Error, Result,
    network::{evse_id::EvseId, sticker::StickerFormat},
};

/// White modules that must be around a code (ISO/IEC 18004).
const QUIET: usize = 4;
/// Millimetres in points.
const POINTS: f64 = 72.0 / 25.4;

/// A sticker, laid out; lengths in mm from the upper left corner.
#[derive(Debug)]
pub struct Sticker {
    evse_id: String,
    width: f64,
    height: f64,
    /// Dark runs of modules: column, row, how many; the quiet zone counted.
    runs: Vec<(usize, usize, usize)>,
    /// Modules of a side, with the quiet zone.
    modules: usize,
    /// The code's upper left corner, and its side.
    code: (f64, f64, f64),
    /// The text's left end, base line and size.
    text: (f64, f64, f64),
}

/// Width of a text in Helvetica-Bold, in its size (Adobe's font metrics). EVSE-IDs are capitals, digits and asterisks.
fn width_of(text: &str) -> f64 {
    let thousandths: u32 = text
        .bytes()
        .map(|byte| match byte {
            b'0'..=b'9' | b'J' => 556,
            b'*' => 389,
            b'I' => 278,
            b'F' | b'L' | b'Z' => 611,
            b'E' | b'P' | b'S' | b'V' | b'X' | b'Y' => 667,
            b'G' | b'O' | b'Q' => 778,
            b'M' => 833,
            b'W' => 944,
            _ => 722,
        })
        .sum();
    f64::from(thousandths) / 1000.0
}

impl Sticker {
    /// Lays a sticker of some millimetres out, whose code holds `held`.
    pub fn new(evse_id: &EvseId, held: &str, width_mm: u32, height_mm: u32) -> Result<Self> {
        let code = QrCode::with_error_correction_level(held, EcLevel::M).map_err(Error::internal)?;
        let (side, colors) = (code.width(), code.to_colors());
        let mut runs: Vec<(usize, usize, usize)> = Vec::new();
        for (row, line) in colors.chunks(side).enumerate() {
            for (column, _) in line.iter().enumerate().filter(|(_, color)| **color == Color::Dark) {
                match runs.last_mut() {
                    Some((from, at, long)) if *at == row + QUIET && *from + *long == column + QUIET => *long += 1,
                    _ => runs.push((column + QUIET, row + QUIET, 1)),
                }
            }
        }
        let (width_mm, height_mm) = (f64::from(width_mm), f64::from(height_mm));
        let margin = width_mm.min(height_mm) * 0.04;
        let evse_id = evse_id.to_string();
        // As wide as it may be, a tenth of the height at most.
        let size = ((width_mm - 2.0 * margin) / width_of(&evse_id)).min(height_mm * 0.1);
        let square = (width_mm - 2.0 * margin).min(height_mm - 3.0 * margin - size);
        let top = (height_mm - square - margin - size) / 2.0;
        Ok(Self {
            width: width_mm,
            height: height_mm,
            runs,
            modules: side + 2 * QUIET,
            code: ((width_mm - square) / 2.0, top, square),
            // Capitals of Helvetica are 0.72 of its size high.
            text: ((width_mm - size * width_of(&evse_id)) / 2.0, top + square + margin + size * 0.72, size),
            evse_id,
        })
    }

    /// The finished artwork.
    #[must_use]
    pub fn draw(&self, format: StickerFormat) -> Artwork {
        let bytes = match format {
            StickerFormat::Svg => self.svg().into_bytes(),
            StickerFormat::Pdf => self.pdf(),
        };
        let name = self.evse_id.replace('*', "-");
        Artwork { format, name, bytes }
    }

    fn svg(&self) -> String {
        let Self { evse_id, width, height, modules, code: (x, y, side), text: (left, base, size), .. } = self;
        let path: String =
            self.runs.iter().map(|(column, row, long)| format!("M{column} {row}h{long}v1h-{long}z")).collect();
        let (scale, long) = (side / *modules as f64, size * width_of(evse_id));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}mm\" height=\"{height}mm\" viewBox=\"0 0 {width} {height}\">\n\
             <title>{evse_id}</title>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n\
             <path transform=\"translate({x:.4} {y:.4}) scale({scale:.6})\" shape-rendering=\"crispEdges\" fill=\"#000\" d=\"{path}\"/>\n\
             <text x=\"{left:.4}\" y=\"{base:.4}\" font-family=\"Helvetica, Arial, sans-serif\" font-weight=\"bold\" \
             font-size=\"{size:.4}\" textLength=\"{long:.4}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"#000\">{evse_id}</text>\n\
             </svg>\n"
        )
    }

    fn pdf(&self) -> Vec<u8> {
        let [catalog, pages, page, font, contents, info] = [1, 2, 3, 4, 5, 6].map(Ref::new);
        let (face, points) = (Name(b"F1"), |mm: f64| (mm * POINTS) as f32);
        let (x, y, side) = self.code;
        let (left, base, size) = self.text;
        let scale = points(side / self.modules as f64);
        let mut content = Content::new();
        content.save_state();
        // From here on lengths are modules, downwards from the code's upper left corner.
        content.transform([scale, 0.0, 0.0, -scale, points(x), points(self.height - y)]);
        content.set_fill_gray(0.0);
        for (column, row, long) in &self.runs {
            content.rect(*column as f32, *row as f32, *long as f32, 1.0);
        }
        content.fill_nonzero();
        content.restore_state();
        content.begin_text();
        content.set_font(face, points(size));
        content.next_line(points(left), points(self.height - base));
        content.show(Str(self.evse_id.as_bytes()));
        content.end_text();

        let mut pdf = Pdf::new();
        pdf.catalog(catalog).pages(pages);
        pdf.pages(pages).kids([page]).count(1);
        let mut sheet = pdf.page(page);
        sheet.media_box(Rect::new(0.0, 0.0, points(self.width), points(self.height)));
        sheet.parent(pages);
        sheet.contents(contents);
        sheet.resources().fonts().pair(face, font);
        sheet.finish();
        // One of the fonts that every reader has.
        pdf.type1_font(font).base_font(Name(b"Helvetica-Bold"));
        pdf.stream(contents, &content.finish());
        pdf.document_info(info).title(pdf_writer::TextStr(&self.evse_id));
        pdf.finish()
    }
}

/// A sticker as it is sent.
#[derive(Debug)]
pub struct Artwork {
    format: StickerFormat,
    name: String,
    bytes: Vec<u8>,
}

const SVG: &str = "image/svg+xml";
const PDF: &str = "application/pdf";

impl IntoResponse for Artwork {
    fn into_response(self) -> Response {
        let content_type = if self.format == StickerFormat::Svg { SVG } else { PDF };
        Response::builder()
            .content_type(content_type)
            .header(header::CONTENT_DISPOSITION, format!("inline; filename=\"{}.{}\"", self.name, self.format))
            .body(self.bytes)
    }
}

impl ApiResponse for Artwork {
    fn meta() -> MetaResponses {
        let media =
            |content_type, schema| MetaMediaType { content_type, schema: MetaSchemaRef::Inline(Box::new(schema)) };
        MetaResponses {
            responses: vec![MetaResponse {
                description: "The artwork.",
                status: Some(200),
                status_range: None,
                content: vec![
                    media(SVG, MetaSchema { example: Some("<svg …/>".into()), ..MetaSchema::new("string") }),
                    media(PDF, MetaSchema { format: Some("binary"), ..MetaSchema::new("string") }),
                ],
                headers: vec![MetaHeader {
                    name: "Content-Disposition".into(),
                    description: Some("`inline`, with a file name made of the EVSE-ID.".into()),
                    required: true,
                    deprecated: false,
                    schema: String::schema_ref(),
                }],
            }],
        }
    }

    fn register(_: &mut Registry) {}
}
