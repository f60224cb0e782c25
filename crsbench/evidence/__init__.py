"""What is believed of a signal, a label model or R_φ, measured against labels that none of them has seen."""
