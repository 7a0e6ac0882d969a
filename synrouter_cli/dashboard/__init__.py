"""What a person sees: figures as text, and text from outside made safe to show."""
