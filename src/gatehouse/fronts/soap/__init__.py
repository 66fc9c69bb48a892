"""The WCF-shaped SOAP service: guard, lenient reading, Spyne, exact writing, and the WSDL."""
