//! The HTTP contract: the document that the program prints is OpenAPI 3.1.

mod document;
