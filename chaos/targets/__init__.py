"""How the chaos command finds and reaches what runs."""
