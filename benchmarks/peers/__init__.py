"""The neighbours, each behind one function: ``batches(stores, workload, workers) -> endless batches``.

An adapter is written as that library's users would write it for speed, and imports its library only when it is run.
"""
