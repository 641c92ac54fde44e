"""What a method is worth: metrics of its predictions, and how sure they are."""
