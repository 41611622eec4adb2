//! Charts as SVG.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

const SIZE: (u32, u32) = (640, 300);
const COLOURS: [RGBColor; 3] = [RGBColor(0x9a, 0xa5, 0xb1), RGBColor(0x1f, 0x77, 0xb4), RGBColor(0xd6, 0x8a, 0x3a)];

/// One value of several kinds for each of some groups, as bars; `None` leaves a gap.
pub fn bars(path: &Path, title: &str, unit: &str, kinds: &[&str], groups: &[(String, Vec<Option<f64>>)]) -> Result<()> {
    let most =
        groups.iter().flat_map(|(_, values)| values.iter().flatten()).fold(0.0, |most: f64, &value| most.max(value));
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    let draw = || -> Result<(), Box<dyn std::error::Error>> {
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption(title, ("sans-serif", 16))
            .margin(10)
            .x_label_area_size(30)
            .y_label_area_size(70)
            .build_cartesian_2d(0.0..groups.len() as f64, 0.0..most * 1.15)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .disable_x_axis()
            .y_desc(unit)
            .y_label_formatter(&|value| thousands(*value))
            .draw()?;
        let width = 0.8 / kinds.len() as f64;
        for (number, kind) in kinds.iter().enumerate() {
            let colour = COLOURS[number % COLOURS.len()];
            let bar = |(group, (_, values)): (usize, &(String, Vec<Option<f64>>))| {
                let left = group as f64 + 0.1 + number as f64 * width;
                let value = values.get(number).copied().flatten()?;
                Some(Rectangle::new([(left, 0.0), (left + width * 0.92, value)], colour.filled()))
            };
            chart
                .draw_series(groups.iter().enumerate().filter_map(bar))?
                .label(*kind)
                .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], colour.filled()));
        }
        for (group, (name, _)) in groups.iter().enumerate() {
            let at = chart.plotting_area().map_coordinate(&(group as f64 + 0.5, 0.0));
            let style = TextStyle::from(("sans-serif", 13).into_font()).pos(plotters::style::text_anchor::Pos::new(
                plotters::style::text_anchor::HPos::Center,
                plotters::style::text_anchor::VPos::Top,
            ));
            root.draw_text(name, &style, (at.0, at.1 + 6))?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.8))
            .border_style(WHITE)
            .draw()?;
        root.present()?;
        Ok(())
    };
    draw().map_err(|error| anyhow!("{}: {error}", path.display()))
}

/// Values over sizes that differ by powers of ten, as a line.
pub fn curve(path: &Path, title: &str, x_unit: &str, y_unit: &str, points: &[(f64, f64)]) -> Result<()> {
    let least = points.iter().map(|point| point.0).fold(f64::INFINITY, f64::min);
    let largest = points.iter().map(|point| point.0).fold(1.0, f64::max);
    let most = points.iter().map(|point| point.1).fold(0.0, f64::max);
    let root = SVGBackend::new(path, (SIZE.0 / 2, SIZE.1 * 3 / 4)).into_drawing_area();
    let draw = || -> Result<(), Box<dyn std::error::Error>> {
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption(title, ("sans-serif", 14))
            .margin(8)
            .x_label_area_size(38)
            .y_label_area_size(62)
            .build_cartesian_2d((least * 0.8..largest * 1.25).log_scale(), 0.0..most * 1.2)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .x_desc(x_unit)
            .y_desc(y_unit)
            .x_labels(6)
            .y_labels(5)
            .x_label_formatter(&|value| thousands(*value))
            .y_label_formatter(&|value| thousands(*value))
            .draw()?;
        chart.draw_series(LineSeries::new(points.iter().copied(), COLOURS[1].stroke_width(2)))?;
        chart.draw_series(points.iter().map(|&point| Circle::new(point, 3, COLOURS[1].filled())))?;
        root.present()?;
        Ok(())
    };
    draw().map_err(|error| anyhow!("{}: {error}", path.display()))
}

/// A number for people: 1.2M, 30k, 400, 0.5.
pub fn thousands(value: f64) -> String {
    let short = |value: f64, digits: usize| {
        let text = format!("{value:.digits$}");
        if digits == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
    };
    match value.abs() {
        large if large >= 1e6 => format!("{}M", short(value / 1e6, 2)),
        large if large >= 1e4 => format!("{}k", short(value / 1e3, 0)),
        large if large >= 1e3 => format!("{}k", short(value / 1e3, 1)),
        _ => short(value, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn numbers_are_short() {
        let numbers = [0.0, 0.5, 400.0, 30_000.0, 1_250_000.0, 1e8];
        assert_eq!(numbers.map(thousands), ["0", "0.5", "400", "30k", "1.25M", "100M"]);
    }
}
