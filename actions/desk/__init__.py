"""What a person sees and sends."""
