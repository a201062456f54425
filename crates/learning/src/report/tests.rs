//! Reports of invented models, read as XML.

use std::fmt::Write;

use quick_xml::Reader;
use quick_xml::events::Event;
use scoring::Algorithm;

use super::{Compared, comparison, html, is_same_data};
use crate::options::TrainOptions;
use crate::quality::{Costs, Curves, Quality};
use crate::training::train;

const HOSTILE: &str = "<script>alert(\"1\")</script>&amp;'";

/// The quality of a model trained on customers who never existed, whose columns have names that mean harm.
fn quality() -> Quality {
    let mut text = "Harm,gender,usage,Other,Churn\n".replace("Harm", &HOSTILE.replace('"', "")).clone();
    for row in 0..300 {
        let (usage, sex) = (row * 7 % 20, ["Female", "Male"][row % 2]);
        let left = if usage + row % 5 >= 14 { "Yes" } else { "No" };
        let value = ["<b>", "]]>", "</title>"][row % 3];
        writeln!(text, "{value},{sex},{usage},{},{left}", row % 4).unwrap();
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("<img src=x>.csv");
    std::fs::write(&file, text).unwrap();
    let options =
        TrainOptions { name: HOSTILE.to_owned(), folds: 3, ..TrainOptions::new(Algorithm::Logistic) };
    let trained = train(&file, &options, &|_| true).unwrap();
    let mut quality = trained.quality().clone();
    let costs = Costs { contact_cost: 1.0, retained_value: 20.0, success_rate: 0.3 };
    let labels: Vec<bool> = (0..100).map(|row| row % 3 == 0).collect();
    let probabilities: Vec<f64> = (0..100).map(|row| f64::from(row * 37 % 100) / 100.0).collect();
    quality.curves = Curves::draw(&probabilities, &labels, 0.5, Some(costs));
    quality
}

/// The names of the elements and the text of a page, which must be well-formed.
fn read(page: &str) -> (Vec<String>, String) {
    let mut reader = Reader::from_str(page);
    reader.config_mut().check_end_names = true;
    let (mut elements, mut text) = (Vec::new(), String::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return (elements, text),
            Event::Start(start) | Event::Empty(start) => {
                start.attributes().for_each(|attribute| drop(attribute.unwrap()));
                elements.push(String::from_utf8(start.name().as_ref().to_vec()).unwrap());
            }
            Event::Text(part) => text += &part.decode().unwrap(),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().unwrap() {
                Some(letter) => text.push(letter),
                None => panic!("{reference:?}"),
            },
            _ => {}
        }
    }
}

#[test]
fn hostile_names_are_text_and_the_page_is_well_formed() {
    let quality = quality();
    let page = html(&quality).unwrap();
    let (elements, text) = read(&page);
    for element in ["script", "img", "b>"] {
        assert!(!elements.iter().any(|name| name == element), "{element}");
    }
    assert!(
        text.contains(HOSTILE) && text.contains("<img src=x>.csv") && text.contains("</title>, <b>, ]]>")
    );
    assert_eq!(elements.iter().filter(|name| *name == "polyline").count(), 6 * 2 * 2);
    // Six pictures and a bar for each feature, besides the keys of the legends.
    assert_eq!(elements.iter().filter(|name| *name == "figure").count(), 6);
    assert!(
        !page.contains("http://")
            || page.matches("http://").count() == page.matches("http://www.w3.org/").count()
    );
    assert!(!page.contains("https://") && !page.contains("url("));
}

#[test]
fn every_picture_is_told_in_words() {
    let page = html(&quality()).unwrap();
    for id in ["roc", "precision-recall", "calibration", "gain", "lift", "profit"] {
        let labelled = format!("aria-labelledby=\"{id}-title {id}-text\"");
        assert!(page.contains(&labelled), "{id}");
        assert!(page.contains(&format!("<title id=\"{id}-title\">")), "{id}");
        assert!(page.contains(&format!("<desc id=\"{id}-text\">")), "{id}");
    }
}

#[test]
fn the_same_quality_gives_the_same_bytes_also_from_its_file() {
    let quality = quality();
    let again = Quality::read(&quality.to_json().unwrap()).unwrap();
    assert_eq!(again, quality);
    assert_eq!(html(&again).unwrap(), html(&quality).unwrap());
}

#[test]
fn models_measured_on_other_customers_are_not_compared() {
    let first = quality();
    let mut second = first.clone();
    let page = |second: &Quality| {
        let compared = |name, quality| Compared { name, quality, bytes: 1_500 };
        comparison(&[compared("<a>", &first), compared("b", second)]).unwrap()
    };
    let same =
        |second: &Quality| is_same_data(&[first.card.training.as_ref(), second.card.training.as_ref()]);
    let (_, text) = read(&page(&second));
    assert!(same(&second) && !text.contains("must not be compared"));
    assert!(text.contains("<a>") && text.contains("2\u{202f}kB"));
    second.card.training.as_mut().unwrap().sha256 = "0".repeat(64);
    let (_, text) = read(&page(&second));
    assert!(!same(&second) && text.contains("must not be compared"));
    assert!(!is_same_data(&[None, None]) && !is_same_data(&[]));
}
