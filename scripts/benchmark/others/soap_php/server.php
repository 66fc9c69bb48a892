<?php
// Answers UpdatePassword of the contract with the same refusal each time. WSDL is an environment variable.

class Account
{
    public function UpdatePassword($request)
    {
        if (!$request->oldPassword || !$request->newPassword) {
            throw new SoapFault('Server', 'the members were not read');
        }
        return ['UpdatePasswordResult' => [
            'Code' => 40,
            'IsSuccess' => false,
            'Key' => 'SessionRequired',
            'Message' => 'A session is required.',
            'Number' => '',
        ]];
    }
}

$server = new SoapServer($_SERVER['WSDL'] ?? getenv('WSDL'), ['cache_wsdl' => WSDL_CACHE_MEMORY]);
$server->setClass('Account');
$server->handle();
