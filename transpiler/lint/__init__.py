"""What an author's eye finds and Butane does not: warnings, each with the name of its rule, which can silence it.

`for_authors` asks all lints; `words` gives problems of the format the author's place and words; `syntax` does so for
texts that are no YAML; `silenced` leaves out what a comment or a setting silences.
"""
