"""Ways to look at a timeline.  A view never decodes: it shows what frames and trackers say."""
