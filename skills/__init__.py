"""doable.skills"""
