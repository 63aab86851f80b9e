//! Stickers: what is drawn is read by a decoder that we did not write.

use serde_json::json;
use stromtor_domain::{actor::Permission, network::evse_prefix::UrlPattern};

use super::station::build;
use crate::world::{Client, World};

/// Pixels of a module.
const PIXELS: usize = 4;

/// What the QR code of dark rectangles (left, top, width, height, in modules) says.
fn read(dark: &[(usize, usize, usize, usize)]) -> String {
    let side = dark.iter().map(|(left, _, width, _)| left + width).max().unwrap() + 4;
    let is_dark = |x: usize, y: usize| {
        dark.iter()
            .any(|(left, top, width, height)| (*left..left + width).contains(&x) && (*top..top + height).contains(&y))
    };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(side * PIXELS, side * PIXELS, |x, y| {
        if is_dark(x / PIXELS, y / PIXELS) { 0 } else { 255 }
    });
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1);
    let (meta, content) = grids[0].decode().unwrap();
    assert_eq!(meta.ecc_level, 0, "M");
    // The quiet zone is part of the drawing.
    assert_eq!(dark.iter().map(|(left, ..)| *left).min(), Some(4));
    content
}

fn of_svg(svg: &str) -> String {
    let path = svg.split(" d=\"").nth(1).unwrap().split('"').next().unwrap();
    let dark: Vec<_> = path
        .split('M')
        .skip(1)
        .map(|run| {
            let (from, rest) = run.split_once('h').unwrap();
            let (column, row) = from.split_once(' ').unwrap();
            let (width, back) = rest.split_once("v1h-").unwrap();
            assert_eq!(back, format!("{width}z"));
            (column.parse().unwrap(), row.parse().unwrap(), width.parse().unwrap(), 1)
        })
        .collect();
    read(&dark)
}

fn of_pdf(pdf: &str) -> String {
    let dark: Vec<_> = pdf
        .lines()
        .filter_map(|line| line.strip_suffix(" re"))
        .map(|line| {
            let numbers: Vec<usize> = line.split(' ').map(|number| number.parse().unwrap()).collect();
            (numbers[0], numbers[1], numbers[2], numbers[3])
        })
        .collect();
    read(&dark)
}

async fn text(client: &Client, path: &str) -> String {
    let reply = client.get(path).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.body.as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn stickers_hold_the_url_of_the_charge_point() {
    let world = World::with(|config| {
        config.sticker.url_pattern = Some(UrlPattern::parse("https://charge.example.com/{evse_id}").unwrap());
    })
    .await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let point = build(&client, "CP1").await.charge_point;
    let sticker = format!("/v1/charge-points/{point}/sticker");
    let missing = client.get(&sticker).await;
    assert_eq!((missing.status, missing.code()), (409, "evse_id_missing"));
    client.patch(&format!("/v1/charge-points/{point}"), json!({ "evse_id": "DE*NOR*E12*1" })).await;

    let reply = client.get(&sticker).await;
    assert_eq!(reply.header("content-type"), Some("image/svg+xml"));
    assert_eq!(reply.header("content-disposition"), Some("inline; filename=\"DE-NOR-E12-1.svg\""));
    let svg = reply.body.as_str().unwrap();
    assert!(svg.contains(">DE*NOR*E12*1</text>") && svg.contains("width=\"60mm\" height=\"72mm\""), "{svg}");
    assert_eq!(of_svg(svg), "https://charge.example.com/DE*NOR*E12*1");

    let accepting = client.request("GET", &sticker).header("accept", "application/pdf");
    let reply = client.send(accepting).await;
    assert_eq!(reply.header("content-type"), Some("application/pdf"));
    let pdf = reply.body.as_str().unwrap();
    assert!(pdf.starts_with("%PDF-1.7") && pdf.contains("(DE*NOR*E12*1) Tj") && pdf.contains("/Helvetica-Bold"));
    assert_eq!(of_pdf(pdf), "https://charge.example.com/DE*NOR*E12*1");
    // 254 mm are 720 points.
    let large = text(&client, &format!("{sticker}?format=pdf&width_mm=254&height_mm=127")).await;
    assert!(large.contains("/MediaBox [0 0 720 360]"), "{large}");
    assert_eq!(of_pdf(&large), "https://charge.example.com/DE*NOR*E12*1");

    // The prefix's own pattern comes first.
    let own = json!({ "prefix": "DE*NOR", "url_pattern": "https://nord.example/l?e={evse_id}" });
    client.create("/v1/evse-prefixes", own).await;
    assert_eq!(of_svg(&text(&client, &sticker).await), "https://nord.example/l?e=DE*NOR*E12*1");
    for (query, pointer) in [("width_mm=19", "width_mm"), ("height_mm=501", "height_mm")] {
        assert_eq!(client.get(&format!("{sticker}?{query}")).await.pointers(), [pointer]);
    }
    let stranger = world.client(world.partner("Theirs", "cpo").await, Permission::ALL);
    assert_eq!(stranger.get(&sticker).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_pattern_they_hold_the_evse_id_itself() {
    let world = World::new().await;
    let client = world.client(world.partner("Nordstrom", "cpo").await, Permission::ALL);
    let point = build(&client, "CP1").await.charge_point;
    let long = format!("DE*NOR*E{}", "W".repeat(31));
    client.patch(&format!("/v1/charge-points/{point}"), json!({ "evse_id": long })).await;
    for size in ["", "?width_mm=20&height_mm=500", "?width_mm=500&height_mm=20", "?width_mm=20&height_mm=20"] {
        assert_eq!(of_svg(&text(&client, &format!("/v1/charge-points/{point}/sticker{size}")).await), long);
    }
}
