"""What the pages say, used by `make evaluate`.

The functions of `about_*` and `choices` each take the evidence and return a dict for `templates/evaluate.html`, with
its figures, if any, in `figures`. The other modules compute and draw: arrays and frames in, frames and figures out.
"""
