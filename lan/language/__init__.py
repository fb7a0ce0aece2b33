"""The reader's language: catalogues, and what was said in English and is told in another language."""
