"""Models to files that run without koekao: ONNX."""

from koekao.export.onnx_file import CHECK_FRAMES, TOLERANCE, Exported, export_onnx

__all__ = ["CHECK_FRAMES", "TOLERANCE", "Exported", "export_onnx"]
