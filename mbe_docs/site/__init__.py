"""From page files to a published site: rendering, the generator, checks and the atomic swap."""
