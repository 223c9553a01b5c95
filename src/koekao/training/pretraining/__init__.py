"""Pretraining: what the stream model's trunk learns from speech alone, before it has seen a face.

Speech is there by the hour, recorded faces by the minute. :mod:`.config` are the settings, :mod:`.speech` the sound,
:mod:`.foretelling` what is asked of the model, :mod:`.pretrainer` the loop around it.
"""
