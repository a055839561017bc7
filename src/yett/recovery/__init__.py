"""Undo: made and verified before an approved operation leaves, kept outside its blast radius, applied in one step.

A provider's folder knows how (`undo.py`, the `Undoer` protocol); this room keeps what it made, says what it does not
cover, and never counts an undo that was not restored beside and compared. It promises that a captured undo lies in
Yett's own folder, which no sandbox sees and no provider credential reaches. It will not apply one without a signature.
"""
