//! The script of images: uploading one, naming it, and what stands for it where there is none.

use std::io::Cursor;

use boxoffice_tests::http::Client;
use boxoffice_tests::shop::{self, Terms, id};
use serde_json::{Value, json};

use super::ask::Ask;
use super::script::Script;

impl Script<'_, '_> {
    /// Images and posters of an event.
    pub async fn images(&mut self, venue: &str) {
        let (staff, visitor) = (self.coordinator.clone(), self.visitor.clone());
        let image = self.upload(&staff).await;
        for width in ["320", "1280"] {
            self.call(&visitor, "getMedia", &[("hash", &image), ("width", width)], Value::Null).await;
        }
        let terms = Terms { more: json!({"images": [image]}), ..Terms::free(40) };
        let event = id(&self.call(&staff, "createEvent", &[], shop::event_body(venue, &terms)).await);
        self.call(&visitor, "getEvent", &[("id", &event)], Value::Null).await;
        let tag = self.tag.clone();
        self.call(&staff, "changeEvent", &[("id", &event), ("If-Match", &tag)], json!({"images": []})).await;
        self.call(&visitor, "getPoster", &[("id", &event)], Value::Null).await;
    }

    /// Uploads a small image; gives its id.
    async fn upload(&mut self, who: &Client) -> String {
        let mut bytes = Cursor::new(Vec::new());
        image::DynamicImage::new_rgb8(400, 20).write_to(&mut bytes, image::ImageFormat::Png).expect("it can be encoded");
        let operation = self.talk.rules.operation("uploadMedia");
        let mut ask = Ask::new(operation);
        ask.headers.push(("Content-Type".into(), "image/png".into()));
        ask.body = Some(bytes.into_inner());
        let answer = self.talk.tell(who, operation, &ask).await.expect("well-formed HTTP");
        assert!(answer.is_success(), "{} {}", answer.status, answer.json());
        let image = id(&answer.json());
        self.pool.entry("img_".into()).or_default().push(image.clone());
        image
    }
}
