"""The cases, a module for each subject. ``catalogue`` lists them; a new subject is a module here and a line there."""
