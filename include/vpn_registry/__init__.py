"""The National VPN Registry: from a dropped file to a notice; never imports Airflow."""
