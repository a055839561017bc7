"""A tree that is watched: which files changed, within a second or two, whatever is used to write them.

inotify where there is one, listing again where there is none or no watch left. It promises to miss nothing silently and
to follow no link; it looks into no file itself.
"""
